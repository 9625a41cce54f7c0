//! Reads Dropbox's answer from the browser's address bar, where the redirect could not be reached: a whole address, or the part
//! that a person copied.

use url::form_urlencoded;

use crate::{oauth::REDIRECT_URI, paste, secret::Secret};

/// The meaning of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// It contains a one-time code.
    Code {
        /// The code.
        code: Secret,
        /// The redirect address that the code was issued for, as far as the address shows it.
        redirect_uri: String,
    },
    /// The login was refused, or cancelled (`access_denied`).
    Refused {
        /// The code of RFC 6749, for programs.
        error: String,
        /// Dropbox's words for people, perhaps empty.
        description: String,
    },
    /// It is the page that a login begins with.
    Consent,
    /// It contains no answer.
    Silent,
}

/// Finds an address, or a part of one, in a pasted text. `None` means that there is none.
pub fn read(pasted: &str) -> Option<Address> {
    let plain = paste::plain(pasted);
    let text = one_line(&plain)?;
    let text = text.trim_matches(|c: char| !c.is_ascii_alphanumeric() && !"-_~?&=/".contains(c));
    if text.contains("/oauth2/authorize") && text.contains("client_id=") {
        return Some(Address::Consent);
    }
    let (place, query) = split(text);
    let value = |wanted: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        let found = pairs.find(|(name, _)| name == wanted)?.1;
        Some(found.trim().to_owned()).filter(|found| !found.is_empty())
    };
    let cut = || {
        // `CODE&state=…`: the name of the parameter is lost, its value isn't.
        let first = query.split('&').next().unwrap_or_default();
        (query.contains("&state=") && !first.contains('=')).then(|| first.to_owned())
    };
    Some(match (value("error"), value("code").or_else(cut)) {
        (Some(error), _) => Address::Refused {
            error,
            description: value("error_description").unwrap_or_default(),
        },
        (None, Some(code)) => Address::Code {
            code: Secret::new(code),
            redirect_uri: redirect(place),
        },
        (None, None) => Address::Silent,
    })
}

/// Each of these makes a text an address of this kind.
const MARKS: [&str; 6] = ["code=", "error=", "&state=", "http://", "https://", "localhost:"];

/// Returns the address in `text`, with its lines joined.
fn one_line(text: &str) -> Option<String> {
    let first = MARKS.iter().filter_map(|mark| text.find(mark)).min()?;
    let start = text[..first].rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let mut address = String::new();
    let mut lines = text[start..].lines();
    let mut words = lines.next()?.split(' ');
    address += words.next()?;
    // A space may stand for a line break, but only if the address continues after it.
    let rest: String = words.collect();
    if !rest.is_empty() {
        let continues = rest.contains("&state=") || rest.starts_with("&") || rest.starts_with("?code=");
        return Some(if continues { address + &rest } else { address });
    }
    for line in lines {
        if line.contains(' ') || line.contains("://") {
            break;
        }
        address += line;
    }
    Some(address)
}

/// Splits an address before its query; a part of an address is taken for a query.
fn split(text: &str) -> (&str, &str) {
    let text = text.split('#').next().unwrap_or_default();
    match text.split_once('?') {
        Some(parts) => parts,
        None if text.contains("://") => (text, ""),
        None => ("", text.trim_start_matches('&')),
    }
}

/// Returns the redirect address of an answer at `place`, which browsers shorten.
fn redirect(place: &str) -> String {
    let place = place.trim_start_matches("view-source:");
    let bare = place.split_once("://").map_or(place, |(_, rest)| rest);
    let host = bare.split(['/', ':']).next().unwrap_or_default();
    if place.is_empty() || !matches!(host, "localhost" | "127.0.0.1" | "[") {
        return REDIRECT_URI.to_owned();
    }
    let scheme = if place.contains("://") { "" } else { "http://" };
    let slash = if bare.contains('/') { "" } else { "/" };
    format!("{scheme}{place}{slash}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str, redirect_uri: &str) -> Option<Address> {
        Some(Address::Code {
            code: Secret::new(text),
            redirect_uri: redirect_uri.into(),
        })
    }

    #[test]
    fn a_code_is_found_in_an_address_and_in_parts_of_it() {
        for (pasted, redirect_uri) in [
            ("http://localhost:53682/?code=Ab-c_12&state=s", REDIRECT_URI),
            ("http://localhost:53682/?state=s&code=Ab-c_12", REDIRECT_URI),
            ("localhost:53682/?code=Ab-c_12&state=s", REDIRECT_URI),
            (
                "http://127.0.0.1:53682/?code=Ab-c_12&state=s",
                "http://127.0.0.1:53682/",
            ),
            ("http://[::1]:53682/?code=Ab-c_12&state=s", "http://[::1]:53682/"),
            ("http://localhost:53682/?code=Ab-c_12", REDIRECT_URI),
            ("http://localhost:53682?code=Ab-c_12&state=s", REDIRECT_URI),
            ("http://localhost:53682/?code=Ab-c_12&state=s#", REDIRECT_URI),
            (
                "<http://localhost:53682/?code=Ab-c_12&amp;state=s>.",
                REDIRECT_URI,
            ),
            ("“http://localhost:53682/?code=Ab-c_12&state=s”", REDIRECT_URI),
            ("http://localhost:53682/?code=3DAb-c_12&state=3Ds", REDIRECT_URI),
            (
                "This site can't be reached\nlocalhost refused to connect.\nhttp://localhost:53682/?code=Ab-c_12&state=s",
                REDIRECT_URI,
            ),
            ("http://localhost:53682/?co\nde=Ab-\nc_12&state=s\n", REDIRECT_URI),
            ("http://localhost:53682/?code=Ab- c_12&state=s", REDIRECT_URI),
            (
                "token> http://localhost:53682/?code=Ab-c_12&state=s",
                REDIRECT_URI,
            ),
            ("code=Ab-c_12&state=s", REDIRECT_URI),
            ("?code=Ab-c_12&state=s", REDIRECT_URI),
            ("state=s&code=Ab-c_12", REDIRECT_URI),
            ("code=Ab-c_12", REDIRECT_URI),
            ("Ab-c_12&state=s", REDIRECT_URI),
            ("code=Ab%2Dc%5F12&state=s", REDIRECT_URI),
            ("here: code=Ab-c_12 thanks", REDIRECT_URI),
        ] {
            assert_eq!(read(pasted), code("Ab-c_12", redirect_uri), "{pasted}");
        }
    }

    #[test]
    fn other_addresses_are_named() {
        let refused = |error: &str, description: &str| {
            Some(Address::Refused {
                error: error.into(),
                description: description.into(),
            })
        };
        for (pasted, address) in [
            (
                "http://localhost:53682/?error=access_denied&error_description=The+user+said+no&state=s",
                refused("access_denied", "The user said no"),
            ),
            ("error=access_denied&state=s", refused("access_denied", "")),
            (
                "https://www.dropbox.com/oauth2/authorize?client_id=k&response_type=code&code_challenge=c",
                Some(Address::Consent),
            ),
            ("http://localhost:53682/", Some(Address::Silent)),
            ("http://localhost:53682/done", Some(Address::Silent)),
            ("http://localhost:53682/?code=&state=s", Some(Address::Silent)),
            ("https://www.dropbox.com/developers/apps", Some(Address::Silent)),
            ("VofXAX8DO1sAAAAAAAACUKBwkDZyMg1zKT0f_FNONeA", None),
            ("", None),
        ] {
            assert_eq!(read(pasted), address, "{pasted}");
        }
    }
}
