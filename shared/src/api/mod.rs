//! Dropbox's API as data: each route with its host, style, argument, result and whether it may be repeated.
//!
//! The types are our own, a small part of `dropbox-api-spec`; `tests` compares them with the official generated ones. Ours keep
//! what the generated ones lose: unknown tags of any union are kept, `.tag` may be anywhere in its object, and an entry is
//! small. ARCHITECTURE.md says more.

pub mod auth;
pub mod error;
pub mod files;
pub mod json;
pub mod salvage;
pub mod sharing;
pub mod team;
pub mod users;

use std::marker::PhantomData;

use crate::endpoints::Host;

/// How argument and result travel (`dropbox-api-spec`, attribute `style`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Argument and result are JSON in the body.
    Rpc,
    /// The argument is in `Dropbox-API-Arg`, bytes are in the request's body.
    Upload,
    /// The argument is in `Dropbox-API-Arg`, the result in `Dropbox-API-Result`, bytes are in the response's body.
    Download,
}

/// Whether a call may be repeated if its response was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// It may be repeated: it only reads, or doing it twice has the same effect.
    Safe,
    /// It may be repeated only after checking what is there now.
    LookFirst,
}

/// One route: its name without the leading `/2/`, and how to call it.
#[derive(Debug)]
pub struct Route<Arg, Answer> {
    /// The name, for example `files/list_folder`.
    pub name: &'static str,
    /// The host that serves it.
    pub host: Host,
    /// How argument and result travel.
    pub style: Style,
    /// Whether a call may be repeated.
    pub repeat: Repeat,
    types: PhantomData<fn(Arg) -> Answer>,
}

impl<Arg, Answer> Route<Arg, Answer> {
    const fn new(name: &'static str, host: Host, style: Style, repeat: Repeat) -> Self {
        Self {
            name,
            host,
            style,
            repeat,
            types: PhantomData,
        }
    }

    const fn rpc(name: &'static str) -> Self {
        Self::new(name, Host::Api, Style::Rpc, Repeat::Safe)
    }

    const fn rpc_once(name: &'static str) -> Self {
        Self::new(name, Host::Api, Style::Rpc, Repeat::LookFirst)
    }

    const fn notify(name: &'static str) -> Self {
        Self::new(name, Host::Notify, Style::Rpc, Repeat::Safe)
    }

    const fn upload(name: &'static str) -> Self {
        Self::new(name, Host::Content, Style::Upload, Repeat::Safe)
    }

    const fn download(name: &'static str) -> Self {
        Self::new(name, Host::Content, Style::Download, Repeat::Safe)
    }
}

/// The result of a `Void` route: the body, `null` or empty, is ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Nothing;

impl serde::Serialize for Nothing {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

impl<'de> serde::Deserialize<'de> for Nothing {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

/// A union of which only the tag counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
pub struct Tag {
    /// The tag.
    #[serde(rename = ".tag", default)]
    pub tag: String,
}
