//! The application versions of the protocol and what differs between them (§1.4, §2.1–§2.3).

/// A version of Conduit's connector protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    /// One record a message. Since the beginning.
    V1,
    /// Lists of records. Since protocol v0.7 (2024-08).
    V2,
}

impl Version {
    /// Both, the lowest first.
    pub const ALL: [Self; 2] = [Self::V1, Self::V2];

    /// The number in the handshake.
    #[must_use]
    pub fn number(self) -> u32 {
        match self {
            Self::V1 => 1,
            Self::V2 => 2,
        }
    }

    /// The version of this number, if it is known.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|v| v.number() == number)
    }

    /// The package that its services are in.
    #[must_use]
    pub fn package(self) -> &'static str {
        match self {
            Self::V1 => "connector.v1",
            Self::V2 => "connector.v2",
        }
    }

    /// The name of the call that opens a connector.
    #[must_use]
    pub fn open(self) -> &'static str {
        match self {
            Self::V1 => "Start",
            Self::V2 => "Open",
        }
    }

    /// What a connector serves, given `PLUGIN_PROTOCOL_VERSIONS` of its host: the highest that both
    /// know. Without any, the lowest: then it is for the host to report that the two do not match.
    #[must_use]
    pub fn negotiated(offered: Option<&str>) -> Self {
        let offered = offered.unwrap_or_default().split(',');
        offered
            .filter_map(|number| Self::from_number(number.trim().parse().ok()?))
            .max()
            .unwrap_or(Self::V1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_that_both_know_is_taken() {
        let check = |offered, expected| assert_eq!(Version::negotiated(offered), expected);
        check(Some("1,2"), Version::V2);
        check(Some("2,1"), Version::V2);
        check(Some("1"), Version::V1);
        check(Some(" 2 , 3"), Version::V2);
        check(Some("3,4"), Version::V1);
        check(Some("nonsense"), Version::V1);
        check(None, Version::V1);
    }
}
