//! Which arguments Dropbox takes, as data, and the strict check against it: unknown fields, wrong types, missing fields
//! and broken patterns are refused as Dropbox refuses them.
//!
//! [`types`] and [`shares`] hold the tables, [`routes`](super::routes) says which route takes what, [`check`](mod@check) checks and
//! [`dump`](mod@dump) writes the tables as JSON so that they can be compared with Dropbox's own SDK.

mod check;
mod dump;
pub mod shares;
pub mod types;

pub use check::check;
pub use dump::dump;

/// A type of an argument or of a part of it.
#[derive(Debug)]
pub enum Type {
    /// No argument.
    Void,
    /// `true` or `false`.
    Bool,
    /// Text within limits.
    Text(Text),
    /// A whole number within limits; the name is Dropbox's.
    Int(&'static str, i128, i128),
    /// A time in Dropbox's one form.
    Time,
    /// A list of items, and how few and how many.
    List(&'static Type, Option<usize>, Option<usize>),
    /// Named fields.
    Struct(&'static Struct),
    /// One of several tags.
    Union(&'static Union),
}

/// Limits of a text; lengths count characters.
#[derive(Debug)]
pub struct Text {
    /// The whole text must match.
    pub pattern: Option<&'static str>,
    /// Fewest characters.
    pub min: Option<usize>,
    /// Most characters.
    pub max: Option<usize>,
}

/// Named fields, all known.
#[derive(Debug)]
pub struct Struct {
    /// Dropbox's name.
    pub name: &'static str,
    /// The fields of this struct's ancestors, then its own.
    pub fields: &'static [&'static [Field]],
}

/// One field.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub of: &'static Type,
    /// Whether it may be left out.
    pub need: Need,
}

/// Whether a field may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It must be there.
    Required,
    /// It may be left out or `null`.
    Nullable,
    /// It may be left out and then has this value (as JSON), but not be `null`.
    Default(&'static str),
}

/// One of several tags; a tag without a type has no value.
#[derive(Debug)]
pub struct Union {
    /// Dropbox's name.
    pub name: &'static str,
    /// The tags.
    pub tags: &'static [(&'static str, Option<&'static Type>)],
}

impl Struct {
    /// All fields, those of ancestors first.
    pub fn all(&self) -> impl Iterator<Item = &'static Field> {
        self.fields.iter().flat_map(|group| group.iter())
    }
}

/// A field that must be there.
const fn must(name: &'static str, of: &'static Type) -> Field {
    Field {
        name,
        of,
        need: Need::Required,
    }
}

/// A field that may be `null` or left out.
const fn may(name: &'static str, of: &'static Type) -> Field {
    Field {
        name,
        of,
        need: Need::Nullable,
    }
}

/// A field that has a default.
const fn or(name: &'static str, of: &'static Type, default: &'static str) -> Field {
    Field {
        name,
        of,
        need: Need::Default(default),
    }
}
