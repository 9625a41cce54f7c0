//! Lines as people have them, and laws.

use std::ffi::OsString;

use proptest::prelude::*;

use super::{Line, read};
use crate::{
    cli::program::program,
    rclone::flags::{self, Fate, Value},
};

fn line(words: &[&str]) -> Result<Line, String> {
    let args: Vec<OsString> = std::iter::once(&"node-tool")
        .chain(words)
        .map(Into::into)
        .collect();
    read(&args, &program()).map_err(|failure| {
        assert_eq!(failure.exit_code(), shared::exit::USAGE);
        failure.to_string()
    })
}

/// The words that clap gets, without the program's name.
fn words(typed: &str) -> String {
    let typed: Vec<&str> = typed.split(' ').collect();
    let line = line(&typed).unwrap_or_else(|failure| panic!("{typed:?}: {failure}"));
    let words = line.args.iter().skip(1).map(|word| word.to_string_lossy());
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn flags_may_be_anywhere() {
    for (typed, expected) in [
        ("copy a b", "copy a b"),
        ("--dry-run -P copy a b", "copy --dry-run -P a b"),
        ("-nP copy a b", "copy -n -P a b"),
        ("--include *.h5 copy a b", "copy --include *.h5 a b"),
        ("--include copy copy a b", "copy --include copy a b"),
        ("--include=copy sync a b", "sync --include=copy a b"),
        ("-v --config f lsd r:", "lsd -v --config f r:"),
        ("copy a -P b --transfers 4", "copy -P --transfers 4 a b"),
        ("copy a b -vv", "copy -v -v a b"),
        ("copy -vP a b", "copy -v -P a b"),
        (
            "--dry_run copy --max_depth=1 a b",
            "copy --dry-run --max-depth=1 a b",
        ),
        ("copy --files_from a_b a_b b", "copy --files-from a_b a_b b"),
        ("copy -- --dry-run b", "copy -- --dry-run b"),
        (
            "-v submit --now copy a b --checksum --transfers 8",
            "submit -v --now copy a b --checksum --transfers 8",
        ),
        (
            "submit copy a b --checkers 16 --fast-list --drive-chunk-size 8M --checksum",
            "submit copy --checksum a b",
        ),
        ("-P -- copy a", "copy -P -- a"),
        ("copy - b", "copy - b"),
        ("-f- copy a b", "copy -f=- a b"),
        ("-s; lsf a", "lsf -s=; a"),
        ("lsf -s , -F=tsp a", "lsf -s , -F=tsp a"),
        ("lsf a --separator --", "lsf --separator -- a"),
        ("--root team config create dbx", "config create --root team dbx"),
        (
            "-v config --root=team create dbx",
            "config create -v --root=team dbx",
        ),
        ("--version", "--version"),
        ("--help copy", "copy --help"),
        ("help copy", "help copy"),
        ("copy copy copy", "copy copy copy"),
        ("copy a -- -P b", "copy -- a -P b"),
        ("lsf copy", "lsf copy"),
        ("lsf --dir-slash=false a", "lsf --dir-slash=false a"),
        ("--ask-password=false lsf a", "lsf --ask-password=false a"),
    ] {
        assert_eq!(words(typed), expected, "{typed}");
    }
}

#[test]
fn a_switch_may_have_a_value() {
    for (typed, expected) in [
        ("copy --dry-run=true a b", "copy --dry-run a b"),
        ("copy --dry-run=1 a b", "copy --dry-run a b"),
        ("copy --dry-run=false a b", "copy a b"),
        ("copy --dry-run -n a --dry-run=F b", "copy a b"),
        ("copy --dry-run=false a b -n", "copy -n a b"),
        ("copy -n=false a b", "copy a b"),
        ("copy -P=true a b", "copy -P a b"),
        ("copy -v --verbose=2 a b", "copy --verbose --verbose a b"),
        ("copy -vvv -v=0 a b", "copy a b"),
        ("copy --inplace=false --fast-list=true a b", "copy a b"),
        ("copy --rc=false a b", "copy a b"),
    ] {
        assert_eq!(words(typed), expected, "{typed}");
    }
    let off = line(&["copy", "--dry-run=false", "a", "b"]).unwrap();
    assert_eq!(off.overruled, ["NODE_TOOL_DRY_RUN"]);
    let on = line(&["copy", "--dry-run=false", "--dry-run=t", "a", "b"]).unwrap();
    assert!(on.overruled.is_empty());
    for wrong in [
        "--dry-run=maybe",
        "--dry-run=",
        "--verbose=much",
        "--inplace=maybe",
    ] {
        assert!(line(&["copy", wrong, "a", "b"]).is_err(), "{wrong}");
    }
}

#[test]
fn a_flag_that_must_not_be_ignored_is_refused() {
    for typed in [
        "purge --include x dbx:a",
        "-f -_x purge dbx:a",
        "purge --max-age 1d dbx:a",
        "deletefile --min-size 1 dbx:a",
        "rmdirs --exclude x dbx:a",
        "move --max-delete 1 a dbx:a",
        "cleanup -i .",
        "config delete dbx --dry-run",
    ] {
        let words: Vec<&str> = typed.split(' ').collect();
        let failure = line(&words).unwrap_err();
        assert!(failure.contains("takes no --"), "{typed}: {failure}");
    }
    for typed in [
        "mkdir --include x dbx:a",
        "copy --max-delete 1 a dbx:a",
        "lsd --dry-run dbx:",
        "config list --dry-run",
        "lsf --backup-dir x --delete-excluded dbx:",
    ] {
        let words: Vec<&str> = typed.split(' ').collect();
        let line = line(&words).unwrap();
        assert!(
            line.notes.iter().all(|note| note.contains("no meaning")),
            "{line:?}"
        );
        assert!(!line.notes.is_empty(), "{typed}");
    }
    let failure = line(&["--include", "*.tmp", "purge", "dbx:a b"]).unwrap_err();
    assert!(
        failure.contains("next: node-tool --include '*.tmp' delete 'dbx:a b' --dry-run"),
        "{failure}"
    );
}

#[test]
fn what_cannot_be_honoured_says_why_and_what_to_type() {
    for (typed, said) in [
        (
            "mount dbx: /mnt --vfs-cache-mode full --daemon",
            "node-tool copy dbx:FOLDER",
        ),
        ("--rc serve http dbx: --addr :8080", "a server on a login node"),
        ("bisync a dbx:b --resync", "copy both ways"),
        ("authorize dropbox --client-secret x", "authorizer"),
        ("rm dbx:a", "node-tool delete dbx:FOLDER --dry-run"),
        ("cp a dbx:", "node-tool copy SOURCE DEST"),
        (
            "copy --rc --rc-addr :1 a dbx:b",
            "can't be controlled from outside",
        ),
        ("copy --vfs-cache-mode full a dbx:b", "nothing is mounted"),
        (
            "copy a dbx:b --drive-chunk-size",
            "--drive-chunk-size needs a value",
        ),
        (
            "copy a dbx:b --no-check-certificate",
            "node-tool copy a dbx:b    # is the line without it",
        ),
        ("copy a --dscp CS1 dbx:b -P", "node-tool copy a dbx:b -P    # is"),
        ("copy --dropbox-token {} a dbx:b", "NODE_TOOL_ACCESS_TOKEN"),
        ("copy --local-time-type atime a dbx:b", "modification times"),
        ("submit copy --dscp CS1 a dbx:b", "packets can't be marked"),
    ] {
        let words: Vec<&str> = typed.split(' ').collect();
        let failure = line(&words).unwrap_err();
        assert!(failure.contains(said), "{typed}: {failure}");
        assert!(!failure.contains("u:p"), "{failure}");
    }
    let usual = ["copy", "--local-time-type", "mtime", "a", "dbx:b"];
    assert_eq!(line(&usual).unwrap().notes, [""; 0]);
}

#[test]
fn flags_of_other_services_are_accepted_with_a_line_each() {
    for (typed, expected, about) in [
        (
            "copy --drive-chunk-size 64M a dbx:b",
            "copy a dbx:b",
            "Google Drive",
        ),
        (
            "copy --drive_chunk_size=64M a dbx:b",
            "copy a dbx:b",
            "Google Drive",
        ),
        ("--s3-no-check-bucket copy a dbx:b", "copy a dbx:b", "S3"),
        ("--s3-no-check-bucket=false sync a b", "sync a b", "S3"),
        ("copy --rc-addr :1 a dbx:b", "copy a dbx:b", "remote control"),
        (
            "copy --crypt-password SECRET a dbx:b",
            "copy a dbx:b",
            "encrypted",
        ),
        ("ls --onedrive-drive-id copy dbx:", "ls dbx:", "OneDrive"),
        ("purge --b2-hard-delete dbx:x", "purge dbx:x", "Backblaze"),
    ] {
        assert_eq!(words(typed), expected, "{typed}");
        let typed: Vec<&str> = typed.split(' ').collect();
        let notes = line(&typed).unwrap().notes;
        assert!(
            notes.len() == 1 && notes[0].contains(about) && !notes[0].contains("SECRET"),
            "{notes:?}"
        );
    }
    // rclone doesn't know it either.
    assert_eq!(
        words("copy --drive-nosuch a dbx:b"),
        "copy --drive-nosuch a dbx:b"
    );
}

#[test]
fn an_advised_line_repeats_no_secret() {
    for typed in [
        "copy --dscp CS1 --dropbox-token SECRET a dbx:b",
        "copy --dscp CS1 --http-proxy http://u:SECRET@proxy a dbx:b",
        "copy --dscp CS1 --s3-secret-access-key SECRET a dbx:b",
        "copy --dscp CS1 --sftp-user SECRET a dbx:b",
    ] {
        let words: Vec<&str> = typed.split(' ').collect();
        let said = line(&words).unwrap_err();
        assert!(said.contains("--dscp") && !said.contains("SECRET"), "{said}");
    }
}

#[test]
fn guesses_name_nothing_that_removes_or_replaces() {
    for typed in [
        "sync a b --delete-exclude",
        "copy a b --overwrite-new",
        "bisyncs",
        "rmm",
        "purges dbx:",
        "delet",
        "snyc a b",
    ] {
        let words: Vec<&str> = typed.split(' ').collect();
        let line = line(&words).unwrap();
        let error = program().try_get_matches_from(line.args).unwrap_err();
        let said = super::corrected(error).to_string();
        assert!(
            !said.contains("similar") && !said.contains("--delete-excluded"),
            "{typed}: {said}"
        );
    }
    let line = line(&["lssf"]).unwrap();
    let error = program().try_get_matches_from(line.args).unwrap_err();
    let said = super::corrected(error).to_string();
    assert!(said.contains("lsf"), "{said}");
}

#[test]
fn each_flag_of_the_table_meets_its_fate() {
    for flag in flags::all().filter(|flag| !matches!(flag.name, "help" | "version")) {
        let verb = flag.verbs.first().copied().unwrap_or("copy");
        let name = format!("--{}", flag.name);
        let mut words = vec![verb, "a", "b", &name];
        if flag.value == Value::Needed {
            words.push("1");
        }
        let is_refused_verb = |failure: &str| failure.contains("there is no '");
        match (line(&words), flag.fate) {
            (Err(failure), _) if is_refused_verb(&failure) => {}
            // What clap takes counts more than the row.
            (Ok(line), _) if line.notes.is_empty() => assert!(line.args.contains(&name.into())),
            (Ok(line), Fate::Harmless(why) | Fate::Always(why)) => assert!(line.notes[0].contains(why)),
            // Another verb takes it, or none does.
            (Ok(line), Fate::Differs(how)) => {
                let note = &line.notes[0];
                assert!(note.contains("no meaning") || note.contains(how), "{note}");
            }
            (Ok(line), Fate::Same) => assert!(line.notes[0].contains("no meaning"), "{line:?}"),
            (Err(failure), Fate::Refused { why, .. }) => assert!(failure.contains(why), "{failure}"),
            (found, _) => panic!("{name}: {found:?}"),
        }
    }
}

#[test]
fn no_flag_of_one_verb_has_two_kinds() {
    // What clap takes is typed as rclone has it, with a value or without.
    let program = program();
    for flag in flags::all() {
        let verbs: Vec<&str> = match flag.verbs {
            [] => program.get_subcommands().map(clap::Command::get_name).collect(),
            verbs => verbs.to_vec(),
        };
        for verb in verbs {
            // A verb's own row counts more than a general one.
            let is_own = flags::named(flag.name, verb).is_some_and(|found| found.verbs == flag.verbs);
            let known = super::Known::of(verb, &program).filter(|_| is_own);
            let value = known.and_then(|known| known.value(super::known::Name::Long(flag.name)));
            let takes = |value: Value| value == Value::Needed;
            assert!(
                value.is_none_or(|value| takes(value) == takes(flag.value)),
                "--{} of {verb}: {value:?}",
                flag.name
            );
        }
    }
}

proptest! {
    /// Whatever is typed, words that are no flags keep their order, and values stay with their flags.
    #[test]
    fn words_keep_their_order_and_values_stay_values(
        parts in proptest::collection::vec(part(), 0..12),
        at in 0usize..12,
    ) {
        let mut typed: Vec<String> = Vec::new();
        let mut expected: Vec<&str> = Vec::new();
        let at = at.min(parts.len());
        for (number, part) in parts.iter().enumerate() {
            if number == at {
                typed.push("copy".into());
            }
            match part {
                // Before the verb, another word would be the verb.
                Part::Word(_) if number < at => {}
                Part::Word(word) => {
                    typed.push(word.clone());
                    expected.push(word);
                }
                Part::Flag(words) => typed.extend(words.iter().cloned()),
            }
        }
        if at == parts.len() {
            typed.push("copy".into());
        }
        let args: Vec<OsString> = std::iter::once("node-tool").chain(typed.iter().map(String::as_str)).map(Into::into).collect();
        let line = read(&args, &program()).unwrap();
        let found = program().try_get_matches_from(&line.args);
        let places = |found: &clap::ArgMatches| -> Vec<String> {
            let (_, copy) = found.subcommand().unwrap();
            ["source", "dest"].iter().flat_map(|id| copy.get_many::<String>(id).into_iter().flatten().cloned()).collect()
        };
        if expected.len() == 2 {
            let found = found.unwrap();
            prop_assert_eq!(places(&found), expected);
            let (_, copy) = found.subcommand().unwrap();
            prop_assert!(!copy.get_flag("dry_run"));
        }
        let values: Vec<&String> = parts.iter().filter_map(|part| match part {
            Part::Flag(words) if words.len() == 2 => Some(&words[1]),
            _ => None,
        }).collect();
        for value in values {
            let is_value = |at: &usize| {
                line.args[*at] == value.as_str() && line.args[at - 1].to_string_lossy().starts_with('-')
            };
            prop_assert!((2..line.args.len()).any(|at| is_value(&at)), "{:?}", line.args);
        }
    }
}

#[derive(Clone, Debug)]
enum Part {
    Word(String),
    Flag(Vec<String>),
}

fn part() -> impl Strategy<Value = Part> {
    let flag = |words: &[&str]| Part::Flag(words.iter().map(|word| (*word).to_owned()).collect());
    prop_oneof![
        "[a-c]{1,3}/x".prop_map(Part::Word),
        Just(flag(&["--exclude", "--dry-run"])),
        Just(flag(&["--include", "copy"])),
        Just(flag(&["-f", "-_x"])),
        Just(flag(&["--suffix", "sync"])),
        Just(flag(&["--fast-list"])),
        Just(flag(&["-vP"])),
        Just(flag(&["--checksum=true"])),
        Just(flag(&["--max-depth=3"])),
        Just(flag(&["--no_cache"])),
    ]
}
