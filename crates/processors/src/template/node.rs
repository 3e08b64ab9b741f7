//! A template as a tree.

use crate::value::Value;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Text(String),
    Action(Pipe),
    If {
        /// Of the first whose pipe is true the body counts.
        branches: Vec<(Pipe, Vec<Node>)>,
        otherwise: Vec<Node>,
    },
    Range {
        pipe: Pipe,
        /// The names of the variables for the key and the item.
        key: Option<String>,
        item: Option<String>,
        body: Vec<Node>,
        otherwise: Vec<Node>,
    },
    With {
        pipe: Pipe,
        body: Vec<Node>,
        otherwise: Vec<Node>,
    },
}

/// Commands, each of which gets the result of the one before as its last argument.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pipe {
    /// The variable that takes the result; `true`: it is a new one.
    pub(super) variable: Option<(String, bool)>,
    pub(super) commands: Vec<Vec<Operand>>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operand {
    Dot,
    Variable(String),
    Literal(Value),
    Function(&'static str),
    Pipe(Box<Pipe>),
    /// Fields of another operand.
    Fields(Box<Operand>, Vec<String>),
}

/// Which data of a record a template looks into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Uses {
    pub(super) key: bool,
    pub(super) before: bool,
    pub(super) after: bool,
}

impl Uses {
    const ALL: Self = Self {
        key: true,
        before: true,
        after: true,
    };

    fn or(self, other: Self) -> Self {
        Self {
            key: self.key || other.key,
            before: self.before || other.before,
            after: self.after || other.after,
        }
    }
}

/// What these nodes look into, at most.
pub(super) fn uses(nodes: &[Node]) -> Uses {
    let uses = nodes.iter().map(|node| match node {
        Node::Text(_) => Uses::default(),
        Node::Action(pipe) => of_pipe(pipe),
        Node::If {
            branches,
            otherwise,
        } => {
            let branches = branches
                .iter()
                .map(|(pipe, body)| of_pipe(pipe).or(uses(body)));
            branches.fold(uses(otherwise), Uses::or)
        }
        Node::Range {
            pipe,
            body,
            otherwise,
            ..
        }
        | Node::With {
            pipe,
            body,
            otherwise,
        } => of_pipe(pipe).or(uses(body)).or(uses(otherwise)),
    });
    uses.fold(Uses::default(), Uses::or)
}

fn of_pipe(pipe: &Pipe) -> Uses {
    let operands = pipe.commands.iter().flatten();
    operands.map(of_operand).fold(Uses::default(), Uses::or)
}

fn of_operand(operand: &Operand) -> Uses {
    match operand {
        Operand::Literal(_) | Operand::Function(_) => Uses::default(),
        Operand::Pipe(pipe) => of_pipe(pipe),
        // A dot or a variable may be the record.
        Operand::Dot | Operand::Variable(_) => Uses::ALL,
        Operand::Fields(of, names) => match (&**of, names.as_slice()) {
            (Operand::Dot | Operand::Variable(_), [first, rest @ ..]) => {
                match (first.as_str(), rest.first().map(String::as_str)) {
                    ("Key", _) => Uses {
                        key: true,
                        ..Uses::default()
                    },
                    ("Payload", Some("Before")) => Uses {
                        before: true,
                        ..Uses::default()
                    },
                    ("Payload", Some("After")) => Uses {
                        after: true,
                        ..Uses::default()
                    },
                    ("Payload", _) => Uses::ALL,
                    _ => Uses::default(),
                }
            }
            (of, _) => of_operand(of),
        },
    }
}
