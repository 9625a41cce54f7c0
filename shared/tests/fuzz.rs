//! What is pasted, and what Dropbox answers: damaged inputs are errors, never panics, and never endless work.

use fuzzing::run;
use shared::{
    address_bar,
    api::{
        error::RouteError,
        files::{ListFolderResult, Revisions, SearchResult},
    },
    duration,
    grant::{CodeGrant, Grant},
    oauth,
    pairing::Pairing,
    paste, plain,
    secret::Secret,
};

const PAIRING: &[u8] =
    b"\x1b]0;ann@login\x07pairing1 a1b2c3d4e5f6g7h DPebfg0lO6FXzxXzywikEQm4i5dB5ykwE9u-oyln3lo\x1b[0m";

fn grant() -> String {
    let grant = Grant::Code(CodeGrant {
        app_key: "a1b2c3d4e5f6g7h".into(),
        code: Secret::new("sB3xQ9mT0yAAAAAAAAAAJx2Jp9xH8F1u3ZrQ5bqWm0E"),
        challenge: "DPebfg0lO6FXzxXzywikEQm4i5dB5ykwE9u-oyln3lo".into(),
        redirect_uri: Some("http://localhost:53682/".into()),
    });
    grant.encode().expose().to_owned()
}

#[test]
fn fuzz_a_pasted_grant() {
    let grant = grant();
    let wrapped = format!("> {}\r\n> {}\r\n", &grant[..60], &grant[60..]);
    run(
        &[grant.as_bytes(), wrapped.as_bytes(), PAIRING],
        |bytes| match Grant::parse(&paste::decode(bytes)) {
            Ok(found) => {
                assert_eq!(Grant::parse(found.encode().expose()), Ok(found));
                String::new()
            }
            Err(error) => error.to_string(),
        },
    );
}

#[test]
fn fuzz_a_pasted_word() {
    let examples: [&[u8]; 3] = [
        b"token> sB3xQ9mT0yAAAAAAAAAAJx2Jp9xH8F1u3ZrQ5bqWm0E",
        "│ DPebfg0lO6FXzxXzywikEQ │\n│ m4i5dB5ykwE9u-oyln3lo  │".as_bytes(),
        b"ann@login:~$ authorizer 'a1b2c3d4e5f6g7h'",
    ];
    run(&examples, |bytes| {
        let text = paste::decode(bytes);
        let word = paste::word(&text);
        // What is found is found again.
        if let Some(word) = &word {
            assert!(
                !word.is_empty() && !word.contains(char::is_whitespace),
                "{word:?}"
            );
        }
        let is_key = oauth::check_typed_app_key(&text).is_ok();
        (word.map(|word| word.len()), is_key)
    });
}

#[test]
fn fuzz_an_address_of_the_browser() {
    let examples: [&[u8]; 3] = [
        b"http://localhost:53682/?code=sB3xQ9mT0y&state=abc",
        b"localhost:53682/?error=access_denied&error_description=The+user+said+no",
        b"https://www.dropbox.com/oauth2/authorize?client_id=a1b2c3d4e5f6g7h&response_type=code",
    ];
    run(&examples, |bytes| {
        address_bar::read(&paste::decode(bytes)).map(|found| std::mem::discriminant(&found))
    });
}

#[test]
fn fuzz_a_pairing_line() {
    run(&[PAIRING], |bytes| {
        let line = String::from_utf8_lossy(bytes);
        let found = Pairing::parse(&line);
        if let Some(pairing) = &found {
            assert_eq!(Pairing::parse(&pairing.line()).as_ref(), Some(pairing));
        }
        (found.is_some(), Pairing::is_of_other_version(&line))
    });
}

#[test]
fn fuzz_an_error_of_dropbox() {
    let examples: [&[u8]; 4] = [
        br#"{"error_summary": "path/not_found/..", "error": {".tag": "path", "path": {".tag": "not_found"}}}"#,
        br#"{"error": {".tag": "lookup_failed", "lookup_failed": {".tag": "incorrect_offset", "correct_offset": 4194304}}}"#,
        br#"{"error": {".tag": "no_permission", "root_info": {"root_namespace_id": "7"}}, "user_message": {"text": "No", "locale": "en"}}"#,
        b"Error in call to API function \"files/upload\": your app does not have the required scope 'files.content.write'",
    ];
    run(&examples, |bytes| {
        let body = RouteError::from_body(bytes);
        let scope = RouteError::from_scope_text(&String::from_utf8_lossy(bytes));
        let tags = |error: &RouteError| error.tags().iter().map(|tag| tag.len()).collect::<Vec<_>>();
        (body.as_ref().map(tags), scope.as_ref().map(tags))
    });
}

#[test]
fn fuzz_a_page_of_dropbox() {
    let examples: [&[u8]; 3] = [
        br#"{"entries": [{".tag": "file", "name": "a", "id": "id:1", "path_lower": "/a", "path_display": "/A", "size": 3,
            "client_modified": "2020-01-01T00:00:00Z", "server_modified": "2020-01-01T00:00:00Z", "rev": "0123456789abcdef",
            "content_hash": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}], "cursor": "c", "has_more": false}"#,
        br#"{"entries": [{".tag": "folder", "name": "d", "id": "id:2", "path_lower": "/d", "path_display": "/d",
            "sharing_info": {"read_only": true, "shared_folder_id": "9"}}, {".tag": "deleted", "name": "x"}], "has_more": true}"#,
        br#"{"is_deleted": false, "entries": [], "matches": [{"metadata": {".tag": "metadata", "metadata": {".tag": "file"}}}]}"#,
    ];
    run(&examples, |bytes| {
        let listed = ListFolderResult::read(bytes).map(|page| page.entries.len());
        let revisions = Revisions::read(bytes).is_ok();
        let found = SearchResult::read(bytes).is_ok();
        (listed.map_err(|error| error.classify() as u8), revisions, found)
    });
}

#[test]
fn fuzz_small_texts() {
    let examples: [&[u8]; 3] = [b"1h30m", b"90s", "a\u{1b}[31mb\u{202e}c 'd'".as_bytes()];
    run(&examples, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let shown = plain::printable(&text);
        assert!(!shown.chars().any(char::is_control), "{shown:?}");
        (duration::parse(&text), plain::quoted(&text).len())
    });
}
