//! The strict check of an argument, and the one form in which it is handed on: tags as objects, `.tag` first.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use regex::Regex;
use serde_json::{Map, Value};

use super::super::clock::parse_stamp;
use super::{Need, Struct, Text, Type, Union};

/// Checks `value` and gives it back in one form.
///
/// # Errors
/// With Dropbox's kind of sentence about what is wrong and where.
pub fn check(of: &Type, value: Value) -> Result<Value, String> {
    walk(of, value, "")
}

fn walk(of: &Type, value: Value, at: &str) -> Result<Value, String> {
    let wrong =
        |expected: &str, got: &Value| Err(place(at, &format!("expected {expected}, got {}", kind(got))));
    match (of, value) {
        (Type::Void, Value::Null) => Ok(Value::Null),
        (Type::Void, other) => wrong("null", &other),
        (Type::Bool, Value::Bool(yes)) => Ok(Value::Bool(yes)),
        (Type::Bool, other) => wrong("boolean", &other),
        (Type::Text(limits), Value::String(text)) => {
            check_text(limits, &text).map_err(|why| place(at, &why))?;
            Ok(Value::String(text))
        }
        (Type::Text(_), other) => wrong("string", &other),
        (Type::Int(_, min, max), Value::Number(number)) => {
            let whole = number
                .as_u64()
                .map(i128::from)
                .or_else(|| number.as_i64().map(i128::from));
            match whole {
                None => Err(place(at, &format!("expected integer, got {number}"))),
                Some(n) if n < *min => Err(place(at, &format!("{n} is less than minimum value {min}"))),
                Some(n) if n > *max => Err(place(at, &format!("{n} is greater than maximum value {max}"))),
                Some(_) => Ok(Value::Number(number)),
            }
        }
        (Type::Int(..), other) => wrong("integer", &other),
        (Type::Time, Value::String(text)) => {
            if parse_stamp(&text).is_none() {
                return Err(place(
                    at,
                    &format!("time data '{text}' does not match format '%Y-%m-%dT%H:%M:%SZ'"),
                ));
            }
            Ok(Value::String(text))
        }
        (Type::Time, other) => wrong("timestamp", &other),
        (Type::List(item, min, max), Value::Array(items)) => {
            if min.is_some_and(|min| items.len() < min) {
                let min = min.unwrap_or_default();
                return Err(place(
                    at,
                    &format!("list has {} items and should have at least {min}", items.len()),
                ));
            }
            if max.is_some_and(|max| items.len() > max) {
                let max = max.unwrap_or_default();
                return Err(place(
                    at,
                    &format!("list has {} items and should have at most {max}", items.len()),
                ));
            }
            let items = items.into_iter().enumerate();
            items
                .map(|(i, v)| walk(item, v, &format!("{at}[{i}]")))
                .collect::<Result<Vec<_>, _>>()
                .map(Value::Array)
        }
        (Type::List(..), other) => wrong("list", &other),
        (Type::Struct(known), Value::Object(fields)) => walk_struct(known, fields, at).map(Value::Object),
        (Type::Struct(_), other) => wrong("object", &other),
        (Type::Union(known), value) => walk_union(known, value, at),
    }
}

fn walk_struct(
    known: &Struct,
    mut fields: Map<String, Value>,
    at: &str,
) -> Result<Map<String, Value>, String> {
    let mut out = Map::new();
    for field in known.all() {
        let inner = if at.is_empty() {
            field.name.to_owned()
        } else {
            format!("{at}.{}", field.name)
        };
        match (fields.remove(field.name), field.need) {
            (None, Need::Required) => {
                return Err(place(at, &format!("missing required field '{}'", field.name)));
            }
            (None, _) | (Some(Value::Null), Need::Nullable) => {}
            (Some(value), _) => {
                out.insert(field.name.to_owned(), walk(field.of, value, &inner)?);
            }
        }
    }
    match fields.keys().next() {
        Some(name) => Err(place(at, &format!("unknown field '{name}'"))),
        None => Ok(out),
    }
}

fn walk_union(known: &Union, value: Value, at: &str) -> Result<Value, String> {
    let (tag, mut rest, bare) = match value {
        Value::String(tag) => (tag, Map::new(), true),
        Value::Object(mut fields) => match fields.remove(".tag") {
            Some(Value::String(tag)) => (tag, fields, false),
            Some(other) => {
                return Err(place(
                    at,
                    &format!("expected string for '.tag', got {}", kind(&other)),
                ));
            }
            None => return Err(place(at, "missing '.tag' key")),
        },
        other => {
            return Err(place(
                at,
                &format!("expected a union value, got {}", kind(&other)),
            ));
        }
    };
    let Some((name, of)) = known.tags.iter().find(|(name, _)| *name == tag) else {
        return Err(place(at, &format!("invalid tag '{tag}' for {}", known.name)));
    };
    let mut out = Map::new();
    out.insert(".tag".into(), Value::String((*name).into()));
    match of {
        None => {
            if rest.get(*name).is_some_and(Value::is_null) {
                rest.remove(*name);
            }
            if let Some(extra) = rest.keys().next() {
                return Err(place(at, &format!("unknown field '{extra}'")));
            }
        }
        Some(_) if bare => return Err(place(at, &format!("tag '{tag}' needs a value"))),
        Some(Type::Struct(inner)) => out.extend(walk_struct(inner, rest, at)?),
        Some(inner) => {
            let Some(value) = rest.remove(*name) else {
                return Err(place(at, &format!("missing '{name}' key")));
            };
            if let Some(extra) = rest.keys().next() {
                return Err(place(at, &format!("unknown field '{extra}'")));
            }
            let place = if at.is_empty() {
                (*name).to_owned()
            } else {
                format!("{at}.{name}")
            };
            out.insert((*name).into(), walk(inner, value, &place)?);
        }
    }
    Ok(Value::Object(out))
}

fn check_text(limits: &Text, text: &str) -> Result<(), String> {
    let length = text.chars().count();
    if let Some(min) = limits.min.filter(|min| length < *min) {
        return Err(format!(
            "'{text}' must be at least {min} characters, got {length}"
        ));
    }
    if let Some(max) = limits.max.filter(|max| length > *max) {
        return Err(format!("must be at most {max} characters, got {length}"));
    }
    match limits.pattern {
        Some(pattern) if !matches_whole(pattern, text) => {
            Err(format!("'{text}' did not match pattern '{pattern}'"))
        }
        _ => Ok(()),
    }
}

fn matches_whole(pattern: &'static str, text: &str) -> bool {
    static MADE: LazyLock<Mutex<HashMap<&'static str, Option<Regex>>>> = LazyLock::new(Mutex::default);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let regex = made
        .entry(pattern)
        .or_insert_with(|| Regex::new(&format!(r"\A(?:{pattern})\z")).ok());
    regex.as_ref().is_some_and(|regex| regex.is_match(text))
}

fn place(at: &str, why: &str) -> String {
    if at.is_empty() {
        why.to_owned()
    } else {
        format!("{at}: {why}")
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::types;
    use super::*;

    #[test]
    fn right_arguments_pass_in_one_form() {
        let out = check(
            types::UPLOAD,
            json!({"path": "/a", "mode": "add", "client_modified": null}),
        )
        .unwrap();
        assert_eq!(out, json!({"path": "/a", "mode": {".tag": "add"}}));
        let update = json!({"path": "/a", "mode": {".tag": "update", "update": "0123456789"}});
        assert_eq!(check(types::UPLOAD, update.clone()).unwrap(), update);
        assert_eq!(
            check(types::LIST_FOLDER, json!({"path": ""})).unwrap(),
            json!({"path": ""})
        );
        assert!(check(types::GET_METADATA, json!({"path": "ns:12/x\ny"})).is_ok());
    }

    #[test]
    fn wrong_arguments_are_named() {
        let why = |of, value| check(of, value).unwrap_err();
        assert_eq!(
            why(types::GET_METADATA, json!({})),
            "missing required field 'path'"
        );
        assert_eq!(
            why(types::GET_METADATA, json!({"path": "/a", "x": 1})),
            "unknown field 'x'"
        );
        assert!(why(types::GET_METADATA, json!({"path": ""})).starts_with("path: '' did not match pattern"));
        assert_eq!(
            why(types::GET_METADATA, json!({"path": 7})),
            "path: expected string, got number"
        );
        assert_eq!(
            why(types::LIST_FOLDER, json!({"path": "", "limit": 0})),
            "limit: 0 is less than minimum value 1"
        );
        assert_eq!(
            why(types::LIST_FOLDER, json!({"path": "", "recursive": null})),
            "recursive: expected boolean, got null"
        );
        assert_eq!(
            why(types::UPLOAD, json!({"path": "/a", "mode": "update"})),
            "mode: tag 'update' needs a value"
        );
        assert_eq!(
            why(types::UPLOAD, json!({"path": "/a", "mode": "other"})),
            "mode: invalid tag 'other' for WriteMode"
        );
        assert!(
            why(
                types::UPLOAD,
                json!({"path": "/a", "client_modified": "2020-01-01"})
            )
            .contains("does not match format")
        );
        let entry = json!({"cursor": {"session_id": "x", "offset": -1}, "length": 1});
        let whole = json!({"entries": [entry]});
        assert_eq!(
            why(types::SESSION_APPEND_BATCH, whole),
            "entries[0].cursor.offset: -1 is less than minimum value 0"
        );
        let many = json!({"entries": vec![json!({"path": "/a"}); 1001]});
        assert_eq!(
            why(types::DELETE_BATCH, many),
            "entries: list has 1001 items and should have at most 1000"
        );
    }
}
