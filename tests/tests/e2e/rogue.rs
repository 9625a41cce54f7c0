//! Answers that no sane server gives, from a server gone mad or from something between: each ends in words, soon, and nothing is
//! deleted because of it.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    process::Command,
};

use sandbox::{Fault, Kind};
use tests::{
    files::{noise, write},
    test_env::{TestEnv, run},
};

const LIST: &str = "files/list_folder";
const CONTINUE: &str = "files/list_folder/continue";
const FOR_EVER: u32 = 100_000;

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Kind {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Kind::Answer {
        status,
        headers: headers.iter().map(own).collect(),
        body: body.to_owned(),
    }
}

fn lasting(env: &TestEnv, route: &str, kind: Kind) {
    env.sandbox.clear_faults();
    env.sandbox.reset_calls();
    env.sandbox.fault(Fault::on(route, kind).times(FOR_EVER));
}

/// An entry as Dropbox has it, but for one place.
fn odd(from: &str, to: &str) -> String {
    let good = r#"{".tag":"file","name":"odd","path_lower":"/from/odd","path_display":"/from/odd","id":"id:odd","client_modified":"2020-01-01T00:00:00Z","server_modified":"2020-01-01T00:00:00Z","rev":"0123456789abcdef","size":3}"#;
    let odd = good.replacen(from, to, 1);
    assert_ne!(good, odd, "nothing was changed");
    odd
}

#[test]
fn an_odd_entry_stands_alone_is_named_and_costs_nobody_anything() -> anyhow::Result<()> {
    let time = "2020-01-01T00:00:00Z";
    let env = TestEnv::connected()?;
    env.sandbox.put_file("/from/good", b"good", None)?;
    for (number, (from, to)) in [
        (time, "9999-12-31T23:59:59Z"),
        (time, "0000-00-00T00:00:00Z"),
        (r#""size":3"#, r#""size":null"#),
        (r#""size":3"#, r#""size":-1"#),
        (r#""size":3"#, r#""size":1e999"#),
        (r#""size":3"#, r#""size":9223372036854775807"#),
        (r#""rev":"0123456789abcdef","#, ""),
        (r#"".tag":"file""#, r#"".tag":"hologram""#),
        (r#""name":"odd""#, r#""name":"odd\ud800""#),
    ]
    .into_iter()
    .enumerate()
    {
        lasting(&env, LIST, Kind::Odd { entry: odd(from, to) });
        let end = env.node_tool(["lsf", "dbx:from"])?;
        assert_eq!(end.out.lines().next(), Some("good"), "{to}: {}", end.err);
        assert!(end.code != 0 && end.err.contains("'odd'"), "{to}: {}", end.err);

        // Down: what has the odd one's name here stays, and the rest arrives.
        let to_here = format!("to{number}");
        write(&env.path(&to_here).join("odd"), b"mine", 1_500_000_000)?;
        let end = env.node_tool(["sync", "dbx:from", &to_here])?;
        assert_eq!(end.code, 6, "{to}: {}", end.err);
        assert!(end.err.contains("failed: 'odd'"), "{to}: {}", end.err);
        assert_eq!(fs::read(env.path(&to_here).join("odd"))?, b"mine", "{to}");
        assert_eq!(fs::read(env.path(&to_here).join("good"))?, b"good", "{to}");
        // Up: what is extra there stays too, since not all of it is known.
        fs::create_dir_all(env.path("other"))?;
        write(&env.path("other/x"), b"x", 1_500_000_000)?;
        let end = env.node_tool(["sync", "other", "dbx:from"])?;
        assert!(env.sandbox.read_file("/from/good").is_some(), "{to}: {}", end.err);
        assert_eq!(env.sandbox.count(LIST), 3, "asking again brings the same");
    }
    Ok(())
}

#[test]
fn an_answer_about_one_file_that_cannot_be_used_is_asked_for_once() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    lasting(
        &env,
        "files/get_metadata",
        answer(200, &[], &odd(r#""size":3"#, r#""size":null"#)),
    );
    lasting(
        &env,
        "files/list_revisions",
        answer(
            200,
            &[],
            &format!(
                r#"{{"is_deleted":false,"entries":[{},{}]}}"#,
                odd(r#""size":3"#, r#""size":null"#),
                odd("odd", "odder")
            ),
        ),
    );
    let end = env.node_tool(["revisions", "dbx:x"])?;
    assert_eq!(end.out.lines().count(), 1, "{}", end.err);
    assert!(end.err.contains("left out"), "{}", end.err);
    lasting(
        &env,
        "files/get_metadata",
        answer(200, &[], &odd(r#""size":3"#, r#""size":null"#)),
    );
    let err = env.node_tool(["deletefile", "dbx:x"])?.fails(1)?;
    assert!(err.contains("Dropbox's answer can't be used"), "{err}");
    assert_eq!(env.sandbox.count("files/get_metadata"), 1);
    Ok(())
}

#[test]
fn listings_that_lead_nowhere_end() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.put_file("/from/good", b"good", None)?;
    let first = r#"{"entries":[],"cursor":"c","has_more":true}"#;
    let entry = odd("/odd", "/again");
    for (more, most) in [
        (r#"{"entries":[],"cursor":"{n}","has_more":true}"#.to_owned(), 310),
        (
            format!(r#"{{"entries":[{entry}],"cursor":"{{n}}","has_more":true}}"#),
            210,
        ),
    ] {
        lasting(&env, LIST, answer(200, &[], first));
        env.sandbox
            .fault(Fault::on(CONTINUE, answer(200, &[], &more)).times(FOR_EVER));
        let err = env.node_tool(["size", "dbx:from"])?.fails(1)?;
        assert!(err.contains("don't come to an end"), "{err}");
        assert!(
            env.sandbox.count(CONTINUE) <= most,
            "{} calls",
            env.sandbox.count(CONTINUE)
        );
    }
    Ok(())
}

#[test]
fn a_bomb_is_not_unpacked() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    lasting(&env, LIST, Kind::Bomb { mebibytes: 2000 });
    // Two thousand MiB would not fit.
    let mut command = Command::new("bash");
    env.isolate(&mut command);
    let program = tests::programs::program("node-tool")?;
    command
        .args(["-c", "ulimit -v 1500000; exec \"$0\" lsf dbx:"])
        .arg(program);
    let err = run(command, "")?.fails(1)?;
    assert!(err.contains("it has more than 32 MiB"), "{err}");
    assert_eq!(env.sandbox.count(LIST), 1);
    Ok(())
}

#[test]
fn waits_out_of_all_bounds_are_not_waited_for() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for (status, after, words) in [
        (429, "86400", "send nothing for 86400 s"),
        (429, "9200000000000000000", "too long to wait"),
        (503, "86400", "send nothing for 86400 s"),
        (429, "Fri, 31 Dec 2128 23:59:59 GMT", "too long to wait"),
    ] {
        lasting(&env, LIST, answer(status, &[("retry-after", after)], "busy"));
        let err = env.node_tool(["lsf", "dbx:"])?.fails(5)?;
        assert!(err.contains(words), "{after}: {err}");
        assert_eq!(env.sandbox.count(LIST), 1, "{after}");
    }
    // A pause that is kept is told at once.
    env.sandbox.clear_faults();
    let busy = answer(429, &[("retry-after", "4")], "busy");
    env.sandbox.fault(Fault::on(LIST, busy));
    let end = env.node_tool(["lsf", "dbx:"])?;
    assert!(
        end.code == 0 && end.err.contains("Dropbox says wait"),
        "{}",
        end.err
    );
    Ok(())
}

#[test]
fn a_file_has_one_budget_of_tries() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.put_file("/from/file", &noise(1, 3000), None)?;
    let words = ["copy", "dbx:from", "to", "--low-level-retries", "3"];
    for kind in [
        Kind::Status {
            status: 500,
            html: false,
        },
        Kind::CutBefore,
        Kind::Truncate,
    ] {
        lasting(&env, "files/download", kind.clone());
        env.node_tool(words)?.fails(5)?;
        assert!(env.sandbox.count("files/download") <= 3, "{kind:?}");
        env.node_tool(["cat", "dbx:from/file", "--low-level-retries", "3"])?;
        assert!(env.sandbox.count("files/download") <= 6, "{kind:?}");
    }
    Ok(())
}

#[test]
fn a_missing_permission_in_plain_text_is_said_once_with_its_box() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for n in 0..60_u64 {
        write(&env.path(&format!("from/{n}")), &noise(n, 300), 1_500_000_000)?;
    }
    let text = "Error in call to API function \"files/upload_session/start_batch\": Your app (ID: 1234567) is not permitted to access this endpoint, because it does not have the required scope 'files.content.write'. The owner of the app can enable the scope for the app using the Permissions tab on the App Console.";
    let plain = || answer(400, &[("content-type", "text/plain; charset=utf-8")], text);
    lasting(&env, "files/upload_session/start_batch", plain());
    let err = env.node_tool(["copy", "from", "dbx:to"])?.fails(7)?;
    assert!(err.contains("tick 'files.content.write'"), "{err}");
    assert!(err.matches("files.content.write").count() <= 3, "{err}");
    assert!(
        err.lines().filter(|line| line.starts_with("failed:")).count() <= 1,
        "{err}"
    );
    lasting(&env, LIST, plain());
    let err = env.node_tool(["lsf", "dbx:"])?.fails(7)?;
    assert!(
        err.contains("tick 'files.content.write'") && err.contains("config reconnect dbx:"),
        "{err}"
    );
    assert_eq!(env.sandbox.count(LIST), 1);
    Ok(())
}

#[test]
fn what_answers_in_dropboxs_place_is_told_at_once() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let page = "<!doctype html><html><h1>Welcome to the hotel</h1></html>";
    let html = ("content-type", "text/html");
    for (status, headers, words, calls) in [
        (200, vec![html], "wants a login of its own", 3),
        (200, vec![], "wants a login of its own", 3),
        (
            302,
            vec![("location", "https://login.hotel.example/?token=secret")],
            "login.hotel.example",
            3,
        ),
        (511, vec![html], "wants a login of its own", 3),
        (403, vec![html], "filter of this network", 3),
        (407, vec![html], "it wants a login (HTTP 407)", 1),
    ] {
        lasting(&env, LIST, answer(status, &headers, page));
        let code = if status == 407 { 7 } else { 5 };
        let err = env.node_tool(["lsf", "dbx:"])?.fails(code)?;
        assert!(err.contains(words) && !err.contains("secret"), "{status}: {err}");
        assert!(
            env.sandbox.count(LIST) <= calls,
            "{status}: {}",
            env.sandbox.count(LIST)
        );
        // One stray page is survived.
        if status == 200 {
            env.sandbox.clear_faults();
            env.sandbox.fault(Fault::on(LIST, answer(status, &headers, page)));
            env.node_tool(["lsf", "dbx:"])?.ok()?;
        }
    }
    Ok(())
}

/// A proxy that answers every request with this, until the test is over.
fn proxy(says: &'static str) -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(says.as_bytes());
        }
    });
    Ok(address.to_string())
}

#[test]
fn a_proxy_that_refuses_is_told_at_once() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let closed = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n";
    let refusing = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
    for (setting, words) in [
        (
            format!("http://{}", proxy(closed)?),
            "it wants a login (HTTP 407)",
        ),
        (
            format!("http://{}", proxy(refusing)?),
            "it refuses connections to Dropbox",
        ),
        (
            "socks5://ann:hunter2@127.0.0.1:1".to_owned(),
            "of the kind 'socks5'",
        ),
    ] {
        let mut command = env.command("node-tool")?;
        command
            .args(["lsf", "dbx:"])
            .env_remove("DROPBOX_URL")
            .env("HTTPS_PROXY", &setting);
        let err = run(command, "")?.fails(7)?;
        assert!(
            err.contains(words) && err.contains("HTTPS_PROXY"),
            "{setting}: {err}"
        );
        assert!(!err.contains("hunter2"), "{err}");
    }
    Ok(())
}

#[test]
fn a_token_that_cannot_be_sent_names_the_config() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let config = fs::read_to_string(env.config())?;
    for bad in ["\\u0001", "ü", " ", "\\n"] {
        let spoilt = config.replacen("access_token = \"", &format!("access_token = \"{bad}"), 1);
        assert_ne!(spoilt, config);
        fs::write(env.config(), spoilt)?;
        let err = env.node_tool(["lsf", "dbx:"])?.fails(7)?;
        assert!(
            err.contains("access token of dbx:") && err.contains("config.toml"),
            "{err}"
        );
        assert!(
            err.contains("config reconnect dbx:") && !err.contains("check the network"),
            "{err}"
        );
        assert_eq!(env.sandbox.calls().len(), 0);
    }
    Ok(())
}

#[test]
fn a_refused_renewal_is_remembered() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for n in 0..40_u64 {
        env.sandbox
            .put_file(&format!("/from/{n}"), &noise(n, 300), None)?;
    }
    // The listing goes well; then the login is over.
    env.sandbox.fault(Fault::on("files/download", Kind::Revoke));
    env.sandbox.fault(Fault::on("files/download", Kind::Expire));
    env.node_tool(["copy", "dbx:from", "to", "--no-zip"])?.fails(7)?;
    assert_eq!(env.sandbox.count("/oauth2/token"), 1);
    Ok(())
}

#[test]
fn what_needs_no_connection_needs_no_certificates() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let without = |args: &[&str], file: &str| -> anyhow::Result<tests::test_env::Output> {
        let mut command = env.command("node-tool")?;
        command.args(args).env("SSL_CERT_FILE", file);
        run(command, "")
    };
    for args in [
        &["version"][..],
        &["man"],
        &["completion", "bash"],
        &["config", "list"],
        &["config", "path"],
        &["config", "show", "dbx"],
    ] {
        without(args, "/nowhere/ca.pem")?.ok()?;
    }
    let err = without(&["lsf", "dbx:"], "/nowhere/ca.pem")?.fails(7)?;
    assert!(
        err.contains("SSL_CERT_FILE says '/nowhere/ca.pem', and that file is not there"),
        "{err}"
    );
    assert!(err.contains("unset SSL_CERT_FILE"), "{err}");
    write(&env.path("empty.pem"), b"", 1)?;
    let err = without(&["lsf", "dbx:"], &tests::test_env::text(&env.path("empty.pem")))?.fails(7)?;
    assert!(err.contains("contains no certificate"), "{err}");
    Ok(())
}
