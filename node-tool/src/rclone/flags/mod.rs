//! All flags of rclone, each with its fate.

mod backends;
mod copying;
mod filters;
mod general;
mod network;
mod of_verbs;

#[cfg(test)]
pub(super) use backends::{FAMILIES, names_of_services};
pub(crate) use backends::{family, value_of_service};

/// What becomes of a flag that is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is a flag here too, of some commands or all; where a command has no use for it, it is accepted.
    Same,
    /// It is a flag here too, and does something else in this respect.
    Differs(&'static str),
    /// What it asks for is always so.
    Always(&'static str),
    /// It is accepted and has no effect, for this reason.
    Harmless(&'static str),
    /// It can't be honoured, and ignoring it would not be what was asked for.
    Refused {
        /// The reason.
        why: &'static str,
        /// What to do instead, in words. Empty if there is nothing.
        instead: &'static str,
    },
}

/// What follows a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// Nothing, or `=true` or `=false`.
    Switch,
    /// Nothing, and it may be repeated; or `=N`.
    Count,
    /// A value, after a space or `=`.
    Needed,
    /// A value after `=`, or nothing.
    Optional,
}

/// Why a command must not ignore a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guard {
    /// It keeps everything from being changed, or asks first.
    Trial,
    /// It limits what is removed, replaced or moved.
    Removal,
}

/// A flag of rclone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flag {
    /// Its name, without the dashes.
    pub name: &'static str,
    /// Its short form.
    pub short: Option<char>,
    /// What follows it.
    pub value: Value,
    /// What becomes of it.
    pub fate: Fate,
    /// Commands that must not ignore it; others may.
    pub guard: Option<Guard>,
    /// The value that asks for nothing but what happens anyway.
    pub usual: Option<&'static str>,
    /// The verbs of rclone that take it. Empty if all do.
    pub verbs: &'static [&'static str],
}

const fn flag(name: &'static str, value: Value) -> Flag {
    Flag {
        name,
        short: None,
        value,
        fate: Fate::Same,
        guard: None,
        usual: None,
        verbs: &[],
    }
}

/// Returns a flag without a value.
const fn switch(name: &'static str) -> Flag {
    flag(name, Value::Switch)
}

/// Returns a flag with a value.
const fn value(name: &'static str) -> Flag {
    flag(name, Value::Needed)
}

impl Flag {
    const fn short(self, short: char) -> Self {
        Self {
            short: Some(short),
            ..self
        }
    }

    const fn differs(self, how: &'static str) -> Self {
        Self {
            fate: Fate::Differs(how),
            ..self
        }
    }

    const fn always(self, why: &'static str) -> Self {
        Self {
            fate: Fate::Always(why),
            ..self
        }
    }

    const fn harmless(self, why: &'static str) -> Self {
        Self {
            fate: Fate::Harmless(why),
            ..self
        }
    }

    const fn refused(self, why: &'static str, instead: &'static str) -> Self {
        Self {
            fate: Fate::Refused { why, instead },
            ..self
        }
    }

    const fn guard(self, guard: Guard) -> Self {
        Self {
            guard: Some(guard),
            ..self
        }
    }

    const fn usual(self, value: &'static str) -> Self {
        Self {
            usual: Some(value),
            ..self
        }
    }

    const fn of(self, verbs: &'static [&'static str]) -> Self {
        Self { verbs, ..self }
    }

    /// Returns whether a verb of rclone takes it; every other verb takes those that all take.
    pub(crate) fn is_of(&self, verb: &str) -> bool {
        self.verbs.is_empty() || self.verbs.contains(&verb)
    }
}

/// A group of flags, as rclone's help has them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group {
    /// What they are about: a heading of the page.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test makes the page"))]
    pub about: &'static str,
    /// The flags.
    pub flags: &'static [Flag],
}

/// All flags but those of services other than Dropbox, which are families.
pub(crate) const GROUPS: &[Group] = &[
    Group {
        about: "Important",
        flags: general::IMPORTANT,
    },
    Group {
        about: "Copying",
        flags: copying::COPY,
    },
    Group {
        about: "Syncing",
        flags: copying::SYNC,
    },
    Group {
        about: "Filters",
        flags: filters::FILTERS,
    },
    Group {
        about: "Network and speed",
        flags: network::NETWORK,
    },
    Group {
        about: "General",
        flags: general::GENERAL,
    },
    Group {
        about: "Log and statistics",
        flags: general::LOGGING,
    },
    Group {
        about: "For developers",
        flags: general::DEVELOPERS,
    },
    Group {
        about: "Dropbox",
        flags: backends::DROPBOX,
    },
    Group {
        about: "Local files",
        flags: backends::LOCAL,
    },
    Group {
        about: "Of single commands",
        flags: of_verbs::OF_VERBS,
    },
];

/// Returns all rows of the table.
pub(crate) fn all() -> impl Iterator<Item = &'static Flag> {
    GROUPS.iter().flat_map(|group| group.flags)
}

/// Returns the flag of this name that a verb of rclone takes, or else one that all take.
pub(crate) fn named(name: &str, verb: &str) -> Option<&'static Flag> {
    of_verb_first(|flag| flag.name == name && flag.is_of(verb))
}

/// Returns the flag of this short form that a verb of rclone takes, or else one that all take.
pub(crate) fn short(short: char, verb: &str) -> Option<&'static Flag> {
    of_verb_first(|flag| flag.short == Some(short) && flag.is_of(verb))
}

/// Returns the row that is wanted: that of a verb counts more than one of all verbs.
fn of_verb_first(is_wanted: impl Fn(&Flag) -> bool) -> Option<&'static Flag> {
    let mut wanted = all().filter(|flag| is_wanted(flag));
    let first = wanted.next()?;
    match first.verbs {
        [] => Some(wanted.find(|flag| !flag.verbs.is_empty()).unwrap_or(first)),
        _ => Some(first),
    }
}
