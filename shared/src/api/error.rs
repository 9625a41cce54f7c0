//! A route's error, as the path of its tags: `path/conflict/file`.
//!
//! Dropbox's error unions nest and are open. Each level is `{".tag": "x", …}`, with the next level under
//! the key `x`, or, where the member is a struct, under `reason` or `failure`. Walking the tags instead of
//! decoding thirty unions means that unknown tags can be shown, too.

use serde::Deserialize;
use serde_json::Value;

/// The error of one call or of one entry of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteError {
    tags: Vec<String>,
    correct_offset: Option<u64>,
    required_scope: Option<String>,
    root_namespace_id: Option<String>,
    user_message: Option<String>,
}

impl RouteError {
    /// Reads the body of a 409, 401 or 403: `{"error": …, "user_message": {"text": …}}`. `None` means that it is none.
    pub fn from_body(body: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(body).ok()?;
        let mut error = Self::from_union(value.get("error")?);
        let text = value
            .get("user_message")
            .and_then(|m| m.get("text").or(Some(m)))
            .and_then(Value::as_str);
        error.user_message = text.map(str::to_owned);
        Some(error)
    }

    /// Reads the plain text of a 400 for a missing permission: "Error in call to API function …: Your app (ID: …) is
    /// not permitted to access this endpoint, because it does not have the required scope 'files.content.write' …". `None` means
    /// that it is about something else.
    pub fn from_scope_text(text: &str) -> Option<Self> {
        let scope = text
            .split_once("required scope")
            .and_then(|(_, rest)| rest.split(['\'', '"', '`']).nth(1))
            .filter(|scope| {
                !scope.is_empty()
                    && scope
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
            });
        if scope.is_none() && !text.contains("is not permitted to access this endpoint") {
            return None;
        }
        Some(Self {
            tags: vec![
                if scope.is_some() {
                    "missing_scope"
                } else {
                    "not_permitted"
                }
                .to_owned(),
            ],
            required_scope: scope.map(str::to_owned),
            // With a scope our own words say it better.
            user_message: scope.is_none().then(|| text.to_owned()),
            ..Self::default()
        })
    }

    /// Reads an error union.
    pub fn from_union(union: &Value) -> Self {
        let mut error = Self::default();
        let mut next = Some(union);
        while let Some(value) = next {
            next = error.descend(value);
        }
        error
    }

    fn descend<'a>(&mut self, value: &'a Value) -> Option<&'a Value> {
        if let Some(tag) = value.as_str() {
            self.tags.push(tag.to_owned());
            return None;
        }
        let object = value.as_object()?;
        self.correct_offset = self
            .correct_offset
            .or_else(|| object.get("correct_offset").and_then(Value::as_u64));
        if let Some(scope) = object.get("required_scope").and_then(Value::as_str) {
            self.required_scope = Some(scope.to_owned());
        }
        if let Some(root) = object.get("root_namespace_id").and_then(Value::as_str) {
            self.root_namespace_id = Some(root.to_owned());
        }
        let Some(tag) = object.get(".tag").and_then(Value::as_str) else {
            return object.get("reason"); // RateLimitError is a struct with a `reason`
        };
        self.tags.push(tag.to_owned());
        [tag, "reason", "failure"]
            .iter()
            .find_map(|key| object.get(*key))
            .filter(|inner| inner.is_object() || (inner.is_string() && tag != "malformed_path"))
    }

    /// Returns the tags, outermost first.
    pub fn tags(&self) -> Vec<&str> {
        self.tags.iter().map(String::as_str).collect()
    }

    /// Returns whether the tags end in `run`: `["conflict", "file"]` matches `path/conflict/file`.
    pub fn ends_with(&self, run: &[&str]) -> bool {
        self.tags.len() >= run.len()
            && self.tags[self.tags.len() - run.len()..]
                .iter()
                .zip(run)
                .all(|(a, b)| a == b)
    }

    /// Returns the namespace of the account's root now; only with `invalid_root`.
    pub fn root_namespace_id(&self) -> Option<&str> {
        self.root_namespace_id.as_deref()
    }

    /// Returns whether `tag` is one of the tags.
    pub fn has(&self, tag: &str) -> bool {
        self.tags.iter().any(|t| t == tag)
    }

    /// Returns where the server's data ends, in bytes; only with `incorrect_offset`.
    pub fn correct_offset(&self) -> Option<u64> {
        self.correct_offset
    }

    /// Returns the missing permission; only with `missing_scope`.
    pub fn required_scope(&self) -> Option<&str> {
        self.required_scope.as_deref()
    }

    /// Returns Dropbox's words for the user, if there are any.
    pub fn user_message(&self) -> Option<&str> {
        self.user_message.as_deref()
    }
}

impl std::fmt::Display for RouteError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&if self.tags.is_empty() {
            "an error without a name".to_owned()
        } else {
            self.tags.join("/")
        })
    }
}

impl<'de> Deserialize<'de> for RouteError {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|value| Self::from_union(&value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_bodies_become_tag_paths() {
        for (body, tags) in [
            (
                r#"{"error":{".tag":"invalid_access_token"},"error_summary":"x/"}"#,
                "invalid_access_token",
            ),
            (
                r#"{"error":{".tag":"path","path":{".tag":"conflict","conflict":{".tag":"folder"}}}}"#,
                "path/conflict/folder",
            ),
            (
                r#"{"error":{".tag":"path","reason":{".tag":"insufficient_space"},"upload_session_id":"s"}}"#,
                "path/insufficient_space",
            ),
            (
                r#"{"error":{"reason":{".tag":"too_many_requests"},"retry_after":15}}"#,
                "too_many_requests",
            ),
            (
                r#"{"error":{".tag":"path","path":{".tag":"malformed_path","malformed_path":null}}}"#,
                "path/malformed_path",
            ),
            (
                r#"{"error":{".tag":"path","path":"not_found"}}"#,
                "path/not_found",
            ),
            (
                r#"{"error":{"path":{".tag":"brand_new"},".tag":"path"}}"#,
                "path/brand_new",
            ),
        ] {
            assert_eq!(RouteError::from_body(body.as_bytes()).unwrap().to_string(), tags);
        }
    }

    #[test]
    fn details_are_kept() {
        let offset = RouteError::from_body(br#"{"error":{".tag":"lookup_failed","lookup_failed":{".tag":"incorrect_offset","correct_offset":1024}}}"#).unwrap();
        assert_eq!(offset.correct_offset(), Some(1024));
        assert!(offset.ends_with(&["incorrect_offset"]) && offset.has("lookup_failed"));
        let scope = RouteError::from_body(br#"{"error":{".tag":"missing_scope","required_scope":"files.content.write"},"user_message":{"text":"No."}}"#).unwrap();
        assert_eq!(scope.required_scope(), Some("files.content.write"));
        assert_eq!(scope.user_message(), Some("No."));
        assert_eq!(RouteError::from_body(b"<html>"), None);
    }

    #[test]
    fn a_missing_permission_is_found_in_plain_text_too() {
        let text = |scope: &str| {
            format!(
                "Error in call to API function \"files/upload\": Your app (ID: 12345) is not permitted to access this endpoint, because it does not have the required scope {scope}. The owner of the app can enable the scope for the app using the Permissions tab on the App Console."
            )
        };
        for quoted in ["'files.content.write'", "\"files.content.write\""] {
            let error = RouteError::from_scope_text(&text(quoted)).unwrap();
            assert_eq!(error.required_scope(), Some("files.content.write"));
            assert!(error.has("missing_scope") && error.user_message().is_none());
        }
        let bare = "Error in call to API function \"team/x\": Your app (ID: 1) is not permitted to access this endpoint";
        let error = RouteError::from_scope_text(bare).unwrap();
        assert_eq!((error.required_scope(), error.user_message()), (None, Some(bare)));
        for other in [
            "Error in call to API function \"files/upload\": request body: path: bad",
            "",
            "the required scope",
        ] {
            assert_eq!(RouteError::from_scope_text(other), None, "{other}");
        }
    }
}
