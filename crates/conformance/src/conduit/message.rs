//! Questions, answers and the messages of Run on the wire, in both versions.

use bytes::Bytes;
use crossdock_conduit::wire::proto::connector::{
    Ack, ConfigRequest, DestinationAcks, Empty, PositionMessage, SourceAcks, SpecifyResponse,
    SpecifyResponseV1, UpdatedRequest,
};
use crossdock_conduit::wire::proto::opencdc::v1::Record;
use crossdock_conduit::wire::proto::plugin::{HealthCheckRequest, HealthCheckResponse};
use crossdock_conduit::wire::version::Version;
use prost::{DecodeError, Message};

use super::peer::{Answer, Down, Question, Up};
use super::side;
use crate::Role;

/// The records of a message of Run: the same in both versions, since one record is a list of one.
#[derive(Clone, PartialEq, Message)]
struct Records {
    #[prost(message, repeated, tag = "1")]
    records: Vec<Record>,
}

/// The path of a call.
pub(super) fn path(role: Role, version: Version, question: &Question) -> String {
    let package = version.package();
    let method = match question {
        Question::Specify => return format!("/{package}.SpecifierPlugin/Specify"),
        Question::Health => return "/grpc.health.v1.Health/Check".to_owned(),
        Question::Shutdown => return "/plugin.GRPCController/Shutdown".to_owned(),
        Question::Configure(_) => "Configure",
        Question::Open(_) => version.open(),
        Question::Stop(_) => "Stop",
        Question::Teardown => "Teardown",
        Question::Created(_) => "LifecycleOnCreated",
        Question::Updated(..) => "LifecycleOnUpdated",
        Question::Deleted(_) => "LifecycleOnDeleted",
    };
    format!("/{package}.{}/{method}", side(role).service())
}

/// What is asked.
pub(super) fn request(question: &Question) -> Bytes {
    let position = |position: &Bytes| {
        PositionMessage {
            position: position.clone(),
        }
        .encode_to_vec()
    };
    let bytes = match question {
        Question::Configure(config) | Question::Created(config) | Question::Deleted(config) => {
            ConfigRequest {
                config: config.clone(),
            }
            .encode_to_vec()
        }
        Question::Updated(before, after) => UpdatedRequest {
            config_before: before.clone(),
            config_after: after.clone(),
        }
        .encode_to_vec(),
        Question::Open(at) | Question::Stop(at) => position(at),
        Question::Health => HealthCheckRequest {
            service: "plugin".to_owned(),
        }
        .encode_to_vec(),
        Question::Specify | Question::Teardown | Question::Shutdown => Empty {}.encode_to_vec(),
    };
    bytes.into()
}

/// What is answered.
pub(super) fn answer(role: Role, version: Version, question: &Question, bytes: Bytes) -> Answer {
    let read = || -> Result<Answer, DecodeError> {
        Ok(match (question, version) {
            (Question::Specify, Version::V1) => {
                Answer::Described(SpecifyResponseV1::decode(bytes)?.into())
            }
            (Question::Specify, Version::V2) => match SpecifyResponse::decode(bytes)?.specification
            {
                Some(specification) => Answer::Described(specification.into()),
                None => Answer::Unreadable("there is no specification in it".to_owned()),
            },
            (Question::Stop(_), _) if role == Role::Source => {
                Answer::Position(PositionMessage::decode(bytes)?.position)
            }
            (Question::Health, _) => Answer::Health(HealthCheckResponse::decode(bytes)?.status),
            _ => {
                Empty::decode(bytes)?;
                Answer::Done
            }
        })
    };
    read().unwrap_or_else(|error| Answer::Unreadable(error.to_string()))
}

/// What is sent on Run.
pub(super) fn up(version: Version, up: &Up) -> Vec<Bytes> {
    let wire = |message: Vec<u8>| Bytes::from(message);
    match (up, version) {
        (Up::Acks(positions), Version::V1) => {
            let each = positions.iter().map(|position| PositionMessage {
                position: position.clone(),
            });
            each.map(|message| wire(message.encode_to_vec())).collect()
        }
        (Up::Acks(positions), Version::V2) => {
            let message = SourceAcks {
                ack_positions: positions.clone(),
            };
            vec![wire(message.encode_to_vec())]
        }
        (Up::Records(records), Version::V1) => {
            let each = records.iter().map(|record| Records {
                records: vec![record.clone()],
            });
            each.map(|message| wire(message.encode_to_vec())).collect()
        }
        (Up::Records(records), Version::V2) => {
            let message = Records {
                records: records.clone(),
            };
            vec![wire(message.encode_to_vec())]
        }
    }
}

/// What comes on Run.
pub(super) fn down(role: Role, version: Version, bytes: Bytes) -> Down {
    let read = || -> Result<Down, DecodeError> {
        Ok(match (role, version) {
            (Role::Source, _) => Down::Records(Records::decode(bytes)?.records),
            (Role::Destination, Version::V1) => Down::Acks(vec![Ack::decode(bytes)?]),
            (Role::Destination, Version::V2) => Down::Acks(DestinationAcks::decode(bytes)?.acks),
        })
    };
    read().unwrap_or_else(|error| Down::Unreadable(error.to_string()))
}
