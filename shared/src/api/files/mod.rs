//! The `files` namespace.
//!
//! Source: `dropbox-api-spec`, files.stone; limits are quoted from there.

mod batch;
mod download;
mod history;
mod list;
mod metadata;
mod search;
mod upload;

pub use batch::*;
pub use download::*;
pub use history::*;
pub use list::*;
pub use metadata::*;
pub use search::*;
pub use upload::*;

fn is_false(value: &bool) -> bool {
    !value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Nothing;

    #[test]
    fn arguments_leave_out_what_is_default() {
        let append = SessionAppendBatchArg {
            entries: vec![SessionAppendEntry {
                cursor: SessionCursor {
                    session_id: "s".into(),
                    offset: 0,
                },
                length: 5,
                close: true,
            }],
            content_hash: None,
        };
        assert_eq!(
            serde_json::to_string(&append).unwrap(),
            r#"{"entries":[{"cursor":{"session_id":"s","offset":0},"length":5,"close":true}]}"#
        );
        assert_eq!(serde_json::to_string(&SessionStartArg::default()).unwrap(), "{}");
        assert_eq!(serde_json::to_string(&Nothing).unwrap(), "null");
        let commit = CommitInfo {
            path: "/a".into(),
            mode: WriteMode::Update { update: "015".into() },
            client_modified: Some(Time(1_431_445_838)),
            mute: true,
            autorename: false,
        };
        assert_eq!(
            serde_json::to_string(&commit).unwrap(),
            r#"{"path":"/a","mode":{".tag":"update","update":"015"},"client_modified":"2015-05-12T15:50:38Z","mute":true}"#
        );
    }

    #[test]
    fn answers_are_read_with_the_tag_anywhere_and_with_unknown_kinds() {
        let page: ListFolderResult = serde_json::from_str(
            r#"{"entries":[
                {"name":"A","id":"id:1","client_modified":"2015-05-12T15:50:38Z","server_modified":"2015-05-12T15:50:38Z","rev":"0123456789","size":3,".tag":"file","new_field":[1]},
                {".tag":"folder","name":"B","id":"id:2","path_lower":"/b","property_groups":[]},
                {".tag":"deleted","name":"C","path_lower":"/c"},
                {".tag":"hologram","name":"D"}],
              "cursor":"c","has_more":false}"#,
        )
        .unwrap();
        assert!(
            matches!(&page.entries[0], Metadata::File(f) if f.size == 3 && f.client_modified == Time(1_431_445_838) && f.is_downloadable)
        );
        assert!(matches!(&page.entries[1], Metadata::Folder(f) if f.path_lower.as_deref() == Some("/b")));
        assert!(matches!(&page.entries[2], Metadata::Deleted(_)));
        assert!(matches!(&page.entries[3], Metadata::Unknown));
    }

    #[test]
    fn batch_outcomes_are_read_in_place() {
        let appended: Entries<Outcome> =
            serde_json::from_str(r#"{"entries":[{".tag":"success"},{".tag":"failure","failure":{".tag":"incorrect_offset","correct_offset":5}}]}"#).unwrap();
        assert!(matches!(&appended.entries[0], Outcome::Success { success: None }));
        let copied: Entries<Outcome> = serde_json::from_str(
            r#"{"entries":[{".tag":"success","success":{".tag":"file","name":"A","rev":"0123456789"}},
                {".tag":"success","success":{".tag":"folder","name":"B"}}]}"#,
        )
        .unwrap();
        let revs = copied.entries.iter().map(|entry| match entry {
            Outcome::Success { success } => success.clone().unwrap_or_default().rev,
            other => panic!("{other:?}"),
        });
        assert_eq!(revs.collect::<Vec<_>>(), [Some("0123456789".into()), None]);
        assert!(
            matches!(&appended.entries[1], Outcome::Failure { failure } if failure.correct_offset() == Some(5))
        );
        let finished: Entries<FinishOutcome> = serde_json::from_str(
            r#"{"entries":[{".tag":"success","name":"A","id":"id:1","client_modified":"2015-05-12T15:50:38Z","server_modified":"2015-05-12T15:50:38Z","rev":"0123456789","size":3},
                {".tag":"failure","failure":{".tag":"path","path":{".tag":"conflict","conflict":{".tag":"file"}}}}]}"#,
        )
        .unwrap();
        assert!(matches!(&finished.entries[0], FinishOutcome::Success(f) if f.name == "A"));
        assert!(
            matches!(&finished.entries[1], FinishOutcome::Failure { failure } if failure.ends_with(&["conflict", "file"]))
        );
    }
}
