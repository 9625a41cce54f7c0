//! The tables as JSON, for the comparison with the validators of Dropbox's own SDK (`tests/peers`).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Need, Type};

/// All routes' arguments and the types they use.
pub fn dump<'a>(
    routes: impl Iterator<Item = (&'a str, &'a str, &'a str, Option<&'a str>, &'static Type)>,
) -> Value {
    let mut types = BTreeMap::new();
    let mut args = BTreeMap::new();
    for (route, host, style, scope, of) in routes {
        let arg = name(of, &mut types);
        args.insert(
            route.to_owned(),
            json!({"host": host, "style": style, "scope": scope, "arg": arg}),
        );
    }
    name(super::types::PATH_ROOT, &mut types);
    json!({"routes": args, "types": types})
}

/// How a type is written; named types are added to `types` on the way.
fn name(of: &Type, types: &mut BTreeMap<String, Value>) -> Value {
    match of {
        Type::Void => json!("Void"),
        Type::Bool => json!("Boolean"),
        Type::Time => json!("Timestamp"),
        Type::Text(t) => {
            json!({"type": "String", "pattern": t.pattern, "min_length": t.min, "max_length": t.max})
        }
        Type::Int(kind, min, max) => {
            json!({"type": kind, "min": i64::try_from(*min).ok(), "max": u64::try_from(*max).ok()})
        }
        Type::List(item, min, max) => {
            json!({"type": "List", "of": name(item, types), "min_items": min, "max_items": max})
        }
        Type::Struct(known) => {
            if !types.contains_key(known.name) {
                types.insert(known.name.to_owned(), Value::Null);
                let fields: Vec<Value> = known
                    .all()
                    .map(|field| {
                        let (need, default) = match field.need {
                            Need::Required => ("required", Value::Null),
                            Need::Nullable => ("nullable", Value::Null),
                            Need::Default(text) => ("default", serde_json::from_str(text).unwrap_or_default()),
                        };
                        json!({"name": field.name, "of": name(field.of, types), "need": need, "default": default})
                    })
                    .collect();
                types.insert(known.name.to_owned(), json!({"fields": fields}));
            }
            json!({"type": "Struct", "name": known.name})
        }
        Type::Union(known) => {
            if !types.contains_key(known.name) {
                types.insert(known.name.to_owned(), Value::Null);
                let tags: Vec<Value> = known
                    .tags
                    .iter()
                    .map(|(tag, of)| json!({"tag": tag, "of": of.map(|of| name(of, types))}))
                    .collect();
                types.insert(known.name.to_owned(), json!({"tags": tags}));
            }
            json!({"type": "Union", "name": known.name})
        }
    }
}
