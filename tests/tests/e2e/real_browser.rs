//! Chromium walks through the consent page as people do.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use anyhow::Context as _;
use shared::grant::Grant;
use tests::browser::consent_address;
use tests::chromium::{Chromium, Tab, installed};
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

/// Takes pictures of a page in all looks, and checks that it fits a phone.
///
/// SCREENS=docs/screens cargo test --workspace --test e2e -- real_browser::   renews those in docs/
fn pictures(browser: &mut Chromium, tab: &Tab, env: &TestEnv, name: &str) -> anyhow::Result<()> {
    let kept =
        std::env::var_os("SCREENS").map(|dir| Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(dir));
    let dir = kept.unwrap_or_else(|| env.path("screens"));
    std::fs::create_dir_all(&dir)?;
    for (look, width, dark) in [("light", 800, false), ("dark", 800, true), ("360", 360, false)] {
        browser.look(tab, width, dark)?;
        let wide = browser.eval(tab, "document.documentElement.scrollWidth")?;
        assert_eq!(wide, width, "{name} is too wide for {width} pixels");
        let file = dir.join(format!("{name}-{look}.png"));
        browser.picture(tab, &file)?;
        assert!(file.metadata()?.len() > 3_000, "{name}: a page is shown");
    }
    Ok(())
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
    browser.until(&tab, "document.readyState === 'complete'")?;
    pictures(&mut browser, &tab, &env, "consent")?;
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
    pictures(&mut browser, &tab, &env, "success")?;
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
    pictures(&mut browser, &tab, &env, "cancelled")?;
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
    pictures(&mut browser, &tab, &env, "wrong-state")?;
    let tab = browser.open(&consent)?;
    browser.press(&tab, "Allow")?;
    browser.until(&tab, "document.title === 'One step left: paste the grant'")?;
    assert!(matches!(
        Grant::parse(&output_of(child)?.ok()?),
        Ok(Grant::Code(_))
    ));
    Ok(())
}
