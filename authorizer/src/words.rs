//! What the words of the command line mean: an app key and a challenge, in whichever order, and the lines of other days.

use shared::{
    failure::Failure,
    oauth::{check_app_key, check_typed_app_key},
    pkce::Challenge,
    remote::check_name,
};

/// The words, understood.
#[derive(Debug, PartialEq, Eq)]
pub struct Words {
    /// The app to log in with.
    pub app_key: String,
    /// Of the node that waits for the grant.
    pub challenge: Option<Challenge>,
    /// Whether the app's secret stood there too.
    pub secret: bool,
}

/// Understands the words; `flag` is what `--challenge` says.
///
/// # Errors
/// When there is no app key among them, or what else is there is no whole challenge.
pub fn understand(words: &[&str], flag: Option<&Challenge>) -> Result<Words, Failure> {
    let mut words: Vec<&str> = words.iter().map(|word| word.trim()).collect();
    // A line that was pasted behind its own first word; rclone's `authorize "dropbox" KEY SECRET`.
    for known in ["authorizer", "dropbox"] {
        if words.len() > 1 && words[0].eq_ignore_ascii_case(known) {
            words.remove(0);
        }
    }
    let challenge = match (take_challenge(&mut words), flag) {
        (Some(word), Some(flag)) if word != *flag => {
            return Err(Failure::usage("there are two challenges, and they differ").next(AGAIN));
        }
        (word, flag) => word.or(flag.cloned()),
    };
    let Some((key, rest)) = words.split_first() else {
        return Err(Failure::usage("the app key before the challenge is missing").next(AGAIN));
    };
    let app_key = match challenge {
        Some(_) => check_app_key(key).map_err(|why| Failure::usage(why).next(AGAIN))?, // node-tool has checked it
        None => check_typed_app_key(key).map_err(|_| not_a_key(key))?,
    };
    let secret = match rest {
        [] => false,
        [word] if is_secret(word) => true,
        _ => {
            // It may be a secret after all, and isn't shown.
            let length: usize = rest.iter().map(|word| word.len()).sum();
            return Err(Failure::usage("what follows the app key is no challenge")
                .why(format!(
                    "a challenge has 43 characters of A-Z a-z 0-9 - _; there are {length}"
                ))
                .next(AGAIN));
        }
    };
    Ok(Words {
        app_key,
        challenge,
        secret,
    })
}

const AGAIN: &str = "copy the whole line again that node-tool printed on the login node";

/// Takes the challenge out of the words, also one that blanks have cut into several.
fn take_challenge(words: &mut Vec<&str>) -> Option<Challenge> {
    let one = words.iter().position(|word| Challenge::parse(word).is_ok());
    if let Some(at) = one {
        return Challenge::parse(words.remove(at)).ok();
    }
    let joined = Challenge::parse(&words.get(1..)?.concat()).ok()?;
    words.truncate(1);
    Some(joined)
}

/// Whether a word can be an app's secret: Dropbox's are some 15 small letters and digits. A challenge that was cut off has
/// letters of both sizes.
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
            "an app key is some 15 small letters and digits; it stands on your app's page at \
             https://www.dropbox.com/developers/apps",
        )
        .next(format!(
            "on the login node: node-tool config create {name}   (it prints the line to run here)"
        ))
        .next(format!(
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
            let understood = understand(&words, None).unwrap();
            assert_eq!(understood.challenge.is_some(), challenge, "{words:?}");
            assert_eq!(understood.secret, secret, "{words:?}");
            assert!(words.contains(&understood.app_key.as_str()), "{words:?}");
        }
        let flag = Challenge::parse(CHALLENGE).unwrap();
        assert_eq!(
            understand(&[KEY], Some(&flag)).unwrap().challenge,
            Some(flag.clone())
        );
        assert_eq!(
            understand(&[KEY, CHALLENGE], Some(&flag)).unwrap().challenge,
            Some(flag)
        );
    }

    #[test]
    fn the_others_are_told_what_is_missing() {
        for (words, hint) in [
            (vec!["dropbox"], "node-tool config create dbx"),
            (vec!["work"], "authorizer --ssh USER@HOST work"),
            (vec!["not a key"], "is not an app key"),
            (vec![CHALLENGE], "app key before the challenge is missing"),
            (vec![KEY, &CHALLENGE[..40]], "there are 40"),
            (vec![KEY, SECRET, SECRET], "no challenge"),
        ] {
            let failure = understand(&words, None).unwrap_err().to_string();
            assert!(failure.contains(hint), "{words:?}: {failure}");
            assert!(!failure.contains(SECRET), "{failure}");
        }
        let other = Challenge::parse("DPebfg0lO6FXzxXzywikEQm4i5dB5ykwE9u-oyln3lo").unwrap();
        assert!(understand(&[KEY, CHALLENGE], Some(&other)).is_err());
    }
}
