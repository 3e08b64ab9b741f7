//! From tokens to a tree.

use super::function;
use super::lex::{Token, tokens};
use super::node::{Node, Operand, Pipe};

/// Deeper nesting is refused (P11).
const DEEPEST: usize = 100;

/// The tree of a template.
pub(super) fn parse(text: &str) -> Result<Vec<Node>, String> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
        depth: 0,
        variables: vec![String::new()],
    };
    let (nodes, end) = parser.nodes()?;
    match end {
        End::Text => Ok(nodes),
        End::Word(word) => Err(format!("`{word}` stands where nothing is open")),
    }
}

/// What ended a list of nodes.
enum End {
    Text,
    /// `end` or `else`; its action is open still.
    Word(&'static str),
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    /// The names that are known here; the first is the record's.
    variables: Vec<String>,
}

impl Parser {
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn takes(&mut self, token: &Token) -> bool {
        let is_next = self.peek() == Some(token);
        self.at += usize::from(is_next);
        is_next
    }

    fn word(&mut self) -> Option<String> {
        let Some(Token::Word(word)) = self.peek() else {
            return None;
        };
        Some(word.clone())
    }

    fn deeper<T>(
        &mut self,
        what: impl FnOnce(&mut Self) -> Result<T, String>,
    ) -> Result<T, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("it is nested more than {DEEPEST} deep"));
        }
        let done = what(self);
        self.depth -= 1;
        done
    }

    /// Nodes up to `end`, `else` or the end of the text.
    fn nodes(&mut self) -> Result<(Vec<Node>, End), String> {
        self.deeper(|this| {
            let known = this.variables.len();
            let mut nodes = Vec::new();
            let end = loop {
                match this.next() {
                    None => break End::Text,
                    Some(Token::Text(text)) => nodes.push(Node::Text(text)),
                    Some(_) => match this.word().as_deref() {
                        Some("end") => break End::Word("end"),
                        Some("else") => break End::Word("else"),
                        _ => nodes.push(this.action()?),
                    },
                }
            };
            this.variables.truncate(known);
            Ok((nodes, end))
        })
    }

    /// After `{{`.
    fn action(&mut self) -> Result<Node, String> {
        match self.word().as_deref() {
            Some("if") => {
                self.at += 1;
                self.branch()
            }
            Some("with") => {
                self.at += 1;
                let known = self.variables.len();
                let pipe = self.closed_pipe()?;
                let (body, otherwise) = self.body("with")?;
                self.variables.truncate(known);
                Ok(Node::With {
                    pipe,
                    body,
                    otherwise,
                })
            }
            Some("range") => {
                self.at += 1;
                self.range()
            }
            Some(word @ ("define" | "template" | "block" | "break" | "continue")) => {
                Err(format!("`{word}` is not supported in templates here"))
            }
            _ => Ok(Node::Action(self.closed_pipe()?)),
        }
    }

    fn close(&mut self) -> Result<(), String> {
        if self.takes(&Token::Close) {
            return Ok(());
        }
        Err("something stands where an action should end".to_owned())
    }

    fn closed_pipe(&mut self) -> Result<Pipe, String> {
        let pipe = self.pipe()?;
        self.close()?;
        Ok(pipe)
    }

    /// After `if` or `else if`.
    fn branch(&mut self) -> Result<Node, String> {
        let known = self.variables.len();
        let mut branches = Vec::new();
        let otherwise = loop {
            let pipe = self.closed_pipe()?;
            let (body, end) = self.nodes()?;
            branches.push((pipe, body));
            self.ended(&end, "if")?;
            if matches!(end, End::Word("end")) {
                self.close()?;
                break Vec::new();
            }
            if self.word().as_deref() == Some("if") {
                self.at += 1;
                continue;
            }
            self.close()?;
            break self.rest("if")?;
        };
        self.variables.truncate(known);
        Ok(Node::If {
            branches,
            otherwise,
        })
    }

    /// Takes the word that ended a body.
    fn ended(&mut self, end: &End, of: &str) -> Result<(), String> {
        match end {
            End::Text => Err(format!("`{of}` has no `end`")),
            End::Word(_) => {
                self.at += 1;
                Ok(())
            }
        }
    }

    /// After `else`, up to `end`.
    fn rest(&mut self, of: &str) -> Result<Vec<Node>, String> {
        let (nodes, end) = self.nodes()?;
        self.ended(&end, of)?;
        if !matches!(end, End::Word("end")) {
            return Err(format!("`{of}` has two `else`"));
        }
        self.close()?;
        Ok(nodes)
    }

    fn body(&mut self, of: &str) -> Result<(Vec<Node>, Vec<Node>), String> {
        let (body, end) = self.nodes()?;
        self.ended(&end, of)?;
        self.close()?;
        let otherwise = match end {
            End::Word("else") => self.rest(of)?,
            _ => Vec::new(),
        };
        Ok((body, otherwise))
    }

    fn range(&mut self) -> Result<Node, String> {
        let known = self.variables.len();
        let (key, item) = match self.tokens.get(self.at..self.at + 4) {
            Some(
                [
                    Token::Variable(key),
                    Token::Comma,
                    Token::Variable(item),
                    Token::Declare,
                ],
            ) => {
                let names = (Some(key.clone()), Some(item.clone()));
                self.at += 4;
                names
            }
            Some([Token::Variable(item), Token::Declare, ..]) => {
                let names = (None, Some(item.clone()));
                self.at += 2;
                names
            }
            _ => (None, None),
        };
        let pipe = self.closed_pipe()?;
        self.variables.extend(key.iter().chain(&item).cloned());
        let (body, otherwise) = self.body("range")?;
        self.variables.truncate(known);
        Ok(Node::Range {
            pipe,
            key,
            item,
            body,
            otherwise,
        })
    }

    fn pipe(&mut self) -> Result<Pipe, String> {
        self.deeper(|this| {
            let variable = match this.tokens.get(this.at..this.at + 2) {
                Some(
                    [
                        Token::Variable(name),
                        sign @ (Token::Declare | Token::Assign),
                    ],
                ) => Some((name.clone(), *sign == Token::Declare)),
                _ => None,
            };
            if variable.is_some() {
                this.at += 2;
            }
            let mut commands = vec![this.command()?];
            while this.takes(&Token::Pipe) {
                let command = this.command()?;
                if !matches!(
                    command.first(),
                    Some(Operand::Function(_) | Operand::Fields(..))
                ) {
                    return Err("after `|` comes a function".to_owned());
                }
                commands.push(command);
            }
            match &variable {
                Some((name, true)) => this.variables.push(name.clone()),
                Some((name, false)) if !this.variables.contains(name) => {
                    return Err(format!("the variable `${name}` is not known"));
                }
                _ => {}
            }
            Ok(Pipe { variable, commands })
        })
    }

    fn command(&mut self) -> Result<Vec<Operand>, String> {
        let mut operands = Vec::new();
        while let Some(operand) = self.operand()? {
            operands.push(operand);
        }
        if operands.is_empty() {
            return Err("an action or a pair of brackets is empty".to_owned());
        }
        Ok(operands)
    }

    fn operand(&mut self) -> Result<Option<Operand>, String> {
        let operand = match self.peek().cloned() {
            Some(Token::Dot) => Operand::Dot,
            Some(Token::Field { .. }) => {
                // Fields of the dot; they are read below.
                return Ok(Some(Operand::Fields(
                    Box::new(Operand::Dot),
                    self.fields(true),
                )));
            }
            Some(Token::Variable(name)) => {
                if !self.variables.contains(&name) {
                    return Err(format!("the variable `${name}` is not known"));
                }
                Operand::Variable(name)
            }
            Some(Token::Literal(value)) => Operand::Literal(value),
            Some(Token::Word(name)) => match function::known(&name) {
                Some(name) => Operand::Function(name),
                None => return Err(function::unknown(&name)),
            },
            Some(Token::LeftParen) => {
                self.at += 1;
                let pipe = self.pipe()?;
                if self.peek() != Some(&Token::RightParen) {
                    return Err("a `(` has no `)`".to_owned());
                }
                Operand::Pipe(Box::new(pipe))
            }
            _ => return Ok(None),
        };
        self.at += 1;
        let fields = self.fields(false);
        Ok(Some(if fields.is_empty() {
            operand
        } else {
            Operand::Fields(Box::new(operand), fields)
        }))
    }

    /// Fields that follow at once; the first may also stand on its own.
    fn fields(&mut self, mut may_be_apart: bool) -> Vec<String> {
        let mut names = Vec::new();
        while let Some(Token::Field { name, is_apart }) = self.peek() {
            if *is_apart && !may_be_apart {
                break;
            }
            names.push(name.clone());
            may_be_apart = false;
            self.at += 1;
        }
        names
    }
}
