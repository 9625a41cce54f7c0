//! Keys that this version doesn't know: a newer one's, which are kept, or mistyped ones, which are named.

use serde::{Deserialize, Serialize};
use toml::Table;

/// Minimum similarity, of 1, at which a known key is offered for an unknown one.
const MIN_SIMILARITY: f64 = 0.8;

/// Unknown keys with their values.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Extra(Table);

impl Extra {
    /// Returns the keys, each with the most similar `known` one.
    pub fn nearest<'a>(&'a self, known: &'a [&'a str]) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
        self.0.keys().map(|key| {
            let likeness = |known: &str| strsim::jaro_winkler(&key.replace('-', "_").to_lowercase(), known);
            let near = known.iter().map(|known| (likeness(known), *known));
            let near = near.max_by(|a, b| a.0.total_cmp(&b.0));
            (
                key.as_str(),
                near.filter(|(likeness, _)| *likeness > MIN_SIMILARITY)
                    .map(|(_, key)| key),
            )
        })
    }
}

impl std::fmt::Debug for Extra {
    /// Shows the keys only: a newer version's values may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_key_is_offered() {
        let extra = Extra(
            "app_kye = 1\nTransfers = 2\nroot-namespace-id = 3\nsomething = 4"
                .parse()
                .unwrap(),
        );
        let known = ["app_key", "transfers", "root_namespace_id"];
        let found: Vec<_> = extra.nearest(&known).collect();
        assert!(found.contains(&("app_kye", Some("app_key"))));
        assert!(found.contains(&("Transfers", Some("transfers"))));
        assert!(found.contains(&("root-namespace-id", Some("root_namespace_id"))));
        assert!(found.contains(&("something", None)));
        assert!(!format!("{extra:?}").contains('4'));
    }
}
