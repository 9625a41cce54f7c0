//! Chromium walks through the consent page as people do.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use anyhow::Context as _;
use shared::grant::Grant;
use tests::browser::consent_address;
use tests::chromium::{Chromium, installed};
use tests::test_env::{TestEnv, only_authorizer, output_of, skip};

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn start(env: &TestEnv) -> anyhow::Result<(Child, String)> {
    let mut command = env.command("authorizer")?;
    command.args([env.sandbox.app_key(), "--challenge", CHALLENGE, "--no-browser"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut said = String::new();
    let mut lines = BufReader::new(child.stderr.take().context("no stderr")?);
    while !said.contains("Waiting") {
        anyhow::ensure!(lines.read_line(&mut said)? > 0, "ended early: {said}");
    }
    std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
    Ok((child, consent_address(&said)?))
}

fn is_missing() -> bool {
    let missing = installed().is_none();
    if missing {
        skip("there is no Chromium on this machine");
    }
    missing
}

#[test]
fn allow_leads_to_a_page_that_says_what_to_do_next() -> anyhow::Result<()> {
    if is_missing() {
        return Ok(());
    }
    let (_port, env) = (only_authorizer()?, TestEnv::new()?);
    let (child, consent) = start(&env)?;
    let mut browser = Chromium::start()?;
    let tab = browser.open(&consent)?;
    browser.press(&tab, "Allow")?;
    browser.until(&tab, "document.title === 'One step left: paste the grant'")?;
    assert_eq!(
        browser.eval(&tab, "location.href")?,
        "http://localhost:53682/done"
    );
    browser.eval(&tab, "window.old = true")?;
    browser.reload(&tab)?;
    browser.until(
        &tab,
        "!window.old && document.title === 'One step left: paste the grant'",
    )?;
    // PICTURES=docs cargo test -p tests --test e2e real_browser   renews the picture in docs/
    let kept = std::env::var_os("PICTURES").map(|dir| {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .join(dir)
            .join("connected.png")
    });
    let picture = kept.unwrap_or_else(|| env.path("connected.png"));
    browser.picture(&tab, &picture)?;
    assert!(picture.metadata()?.len() > 5_000, "a page is shown");
    let end = output_of(child)?;
    assert!(matches!(Grant::parse(&end.ok()?), Ok(Grant::Code(_))));
    Ok(())
}

#[test]
fn cancel_and_a_second_tab_end_in_words() -> anyhow::Result<()> {
    if is_missing() {
        return Ok(());
    }
    let (_port, env) = (only_authorizer()?, TestEnv::new()?);
    let (child, consent) = start(&env)?;
    let mut browser = Chromium::start()?;
    let stray = browser.open("http://localhost:53682/")?;
    browser.until(&stray, "document.title === 'Nothing to see here'")?;
    let tab = browser.open(&consent)?;
    browser.press(&tab, "Cancel")?;
    browser.until(&tab, "document.title === 'You cancelled the login'")?;
    assert_eq!(output_of(child)?.code, 1);
    Ok(())
}

#[test]
fn a_tampered_state_is_refused_and_the_login_goes_on() -> anyhow::Result<()> {
    if is_missing() {
        return Ok(());
    }
    let (_port, env) = (only_authorizer()?, TestEnv::new()?);
    let (child, consent) = start(&env)?;
    let mut browser = Chromium::start()?;
    let tab = browser.open(&format!("{}x", consent))?;
    browser.press(&tab, "Allow")?;
    browser.until(&tab, "document.title === 'This answer belongs to another login'")?;
    let tab = browser.open(&consent)?;
    browser.press(&tab, "Allow")?;
    browser.until(&tab, "document.title === 'One step left: paste the grant'")?;
    assert!(matches!(
        Grant::parse(&output_of(child)?.ok()?),
        Ok(Grant::Code(_))
    ));
    Ok(())
}
