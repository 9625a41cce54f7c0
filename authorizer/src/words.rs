//! The words of the command line: an app key and a challenge, in either order, and the forms of older guides.

use shared::{
    failure::Failure,
    oauth::{check_app_key, check_typed_app_key},
    pkce::Challenge,
    remote::check_name,
};

/// The meaning of the words.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Words {
    /// The app to log in with.
    pub(crate) app_key: String,
    /// The challenge of the node that waits for the grant.
    pub(crate) challenge: Option<Challenge>,
    /// Whether the app's secret was typed, too.
    pub(crate) has_secret: bool,
}

/// Reads the words; `flag` is the value of `--challenge`.
///
/// # Errors
/// When they contain no app key, or something else that is no whole challenge.
pub(crate) fn parse(words: &[&str], flag: Option<&Challenge>) -> Result<Words, Failure> {
    let mut words: Vec<&str> = words.iter().map(|word| word.trim()).collect();
    // A whole line that was pasted after `authorizer`; rclone's `authorize "dropbox" KEY SECRET`.
    for known in ["authorizer", "dropbox"] {
        if words.len() > 1 && words[0].eq_ignore_ascii_case(known) {
            words.remove(0);
        }
    }
    let challenge = match (take_challenge(&mut words), flag) {
        (Some(word), Some(flag)) if word != *flag => {
            return Err(Failure::usage("there are two challenges, and they differ").hint(COPY_AGAIN));
        }
        (word, flag) => word.or(flag.cloned()),
    };
    let Some((key, rest)) = words.split_first() else {
        return Err(Failure::usage("the app key before the challenge is missing").hint(COPY_AGAIN));
    };
    let app_key = match challenge {
        Some(_) => check_app_key(key).map_err(|why| Failure::usage(why).hint(COPY_AGAIN))?, // node-tool has checked it
        None => check_typed_app_key(key).map_err(|_| not_a_key(key))?,
    };
    let has_secret = match rest {
        [] => false,
        [word] if is_secret(word) => true,
        _ => {
            // It isn't shown: it may be a secret after all.
            let length: usize = rest.iter().map(|word| word.len()).sum();
            return Err(Failure::usage("what follows the app key is not a challenge")
                .why(format!(
                    "a challenge has 43 characters of A-Z a-z 0-9 - _; there are {length}"
                ))
                .hint(COPY_AGAIN));
        }
    };
    Ok(Words {
        app_key,
        challenge,
        has_secret,
    })
}

const COPY_AGAIN: &str = "copy the whole line again that node-tool printed on the login node";

/// Removes the challenge from the words, also one that spaces have cut into pieces, and returns it.
fn take_challenge(words: &mut Vec<&str>) -> Option<Challenge> {
    let one = words.iter().position(|word| Challenge::parse(word).is_ok());
    if let Some(at) = one {
        return Challenge::parse(words.remove(at)).ok();
    }
    let joined = Challenge::parse(&words.get(1..)?.concat()).ok()?;
    words.truncate(1);
    Some(joined)
}

/// Returns whether a word can be an app's secret: Dropbox's are about 15 lowercase letters and digits. A challenge that was
/// cut off has letters of both cases.
fn is_secret(word: &str) -> bool {
    let has = |is: fn(&u8) -> bool| word.bytes().any(|c| is(&c));
    let mixed = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase);
    (4..=32).contains(&word.len()) && word.bytes().all(|c| c.is_ascii_graphic()) && !mixed
}

fn not_a_key(text: &str) -> Failure {
    let name = check_name(text)
        .ok()
        .filter(|name| !name.eq_ignore_ascii_case("dropbox") && !name.contains(' '))
        .unwrap_or_else(|| "dbx".into());
    Failure::usage(format!("'{text}' is not an app key"))
        .why(
            "an app key is about 15 lowercase letters and digits; it is on your app's page at \
             https://www.dropbox.com/developers/apps",
        )
        .hint(format!(
            "on the login node: node-tool config create {name}   (it prints the line to run here)"
        ))
        .hint(format!(
            "or, with ssh to the login node: authorizer --ssh USER@HOST {name}"
        ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "a1b2c3d4e5f6g7h";
    const SECRET: &str = "q1w2e3r4t5y6u7i";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn lines_that_people_type_are_understood() {
        let (first, second) = CHALLENGE.split_at(20);
        for (words, challenge, secret) in [
            (vec![KEY], false, false),
            (vec![KEY, CHALLENGE], true, false),
            (vec![CHALLENGE, KEY], true, false),
            (vec![KEY, first, second], true, false),
            (vec!["authorizer", KEY, CHALLENGE], true, false),
            (vec!["any-key", CHALLENGE], true, false),
            (vec![KEY, SECRET], false, true),
            (vec![KEY, "THE-SECRET-1"], false, true),
            (vec!["dropbox", KEY, SECRET], false, true),
            (vec!["dropbox", KEY], false, false),
        ] {
            let understood = parse(&words, None).unwrap();
            assert_eq!(understood.challenge.is_some(), challenge, "{words:?}");
            assert_eq!(understood.has_secret, secret, "{words:?}");
            assert!(words.contains(&understood.app_key.as_str()), "{words:?}");
        }
        let flag = Challenge::parse(CHALLENGE).unwrap();
        assert_eq!(parse(&[KEY], Some(&flag)).unwrap().challenge, Some(flag.clone()));
        assert_eq!(
            parse(&[KEY, CHALLENGE], Some(&flag)).unwrap().challenge,
            Some(flag)
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        for (words, hint) in [
            (vec!["dropbox"], "node-tool config create dbx"),
            (vec!["work"], "authorizer --ssh USER@HOST work"),
            (vec!["not a key"], "is not an app key"),
            (vec![CHALLENGE], "app key before the challenge is missing"),
            (vec![KEY, &CHALLENGE[..40]], "there are 40"),
            (vec![KEY, SECRET, SECRET], "not a challenge"),
        ] {
            let failure = parse(&words, None).unwrap_err().to_string();
            assert!(failure.contains(hint), "{words:?}: {failure}");
            assert!(!failure.contains(SECRET), "{failure}");
        }
        let other = Challenge::parse("DPebfg0lO6FXzxXzywikEQm4i5dB5ykwE9u-oyln3lo").unwrap();
        assert!(parse(&[KEY, CHALLENGE], Some(&other)).is_err());
    }
}
