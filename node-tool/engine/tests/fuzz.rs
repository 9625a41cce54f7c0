//! Filters, whatever is typed: damaged patterns are errors, never panics, and never endless work.

use engine::filter::{Age, Rules, Size, Verdict};
use fuzzing::run;

#[test]
fn fuzz_a_pattern() {
    let examples: [&[u8]; 5] = [
        b"*.{jpg,png}",
        b"/dir/**/[a-z]?",
        b"{{\\d{3,5}(a|b)+}}/x",
        b"/folder/",
        b"[!^\\]]*",
    ];
    run(&examples, |bytes| {
        let glob = String::from_utf8_lossy(bytes);
        let mut rules = Rules::new(bytes.len() % 2 == 0);
        let added = rules.add(Verdict::Exclude, &glob);
        let verdict = rules.includes_file("dir/some/a1.jpg") && rules.includes_folder("dir");
        (added.map_err(|error| error.to_string()), verdict)
    });
}

#[test]
fn fuzz_ages_and_sizes() {
    run(
        &[b"10d", b"1.5M", b"2026-11-23T17:00:00Z", b"10MiB", b"off"],
        |bytes| {
            let text = String::from_utf8_lossy(bytes);
            (text.parse::<Age>().is_ok(), text.parse::<Size>().is_ok())
        },
    );
}
