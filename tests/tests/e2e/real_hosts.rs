//! Without DROPBOX_URL, over TLS, at Dropbox's own host names: a private mount namespace with a hosts file of its own.

use std::process::Command;

use sandbox::{NAMES, Sandbox};
use tests::files::{differences, noise, write};
use tests::test_env::{TestEnv, text};

#[test]
fn both_programs_work_at_the_real_host_names() -> anyhow::Result<()> {
    if !rustix::process::geteuid().is_root() {
        tests::test_env::skip("real host names need root (a mount namespace and port 443)");
        return Ok(());
    }
    let _port = tests::test_env::only_authorizer()?;
    let tls = tempfile::TempDir::new()?;
    let env = TestEnv::with(Sandbox::builder().tls(tls.path(), "127.0.0.1:443".parse()?))?;
    let hosts = env.path("hosts");
    std::fs::write(&hosts, format!("127.0.0.1 localhost {}\n", NAMES.join(" ")))?;
    write(&env.path("from/a b.txt"), b"hello", 1_500_000_000)?;
    write(&env.path("from/big"), &noise(5, 30 << 20), 1_500_000_001)?;
    let script = env.path("steps.sh");
    std::fs::write(&script, STEPS)?;
    let mut command = Command::new("unshare");
    env.isolate(&mut command);
    command
        .env_remove("DROPBOX_URL")
        .env("SSL_CERT_FILE", tls.path().join("ca.pem"))
        .env("SANDBOX", env.sandbox.origin());
    command.args(["--mount", "bash", &text(&script)]);
    command
        .arg(tests::programs::program("node-tool")?)
        .arg(tests::programs::program("authorizer")?);
    command.arg(env.sandbox.app_key()).arg(&hosts);
    let end = tests::test_env::run(command, "")?;
    assert_eq!(end.code, 0, "{}\n{}", end.out, end.err);
    assert_eq!(
        differences(&env.path("from"), &env.path("back"))?,
        Vec::<String>::new()
    );
    let distrust = std::fs::read_to_string(env.path("distrust"))?;
    assert!(distrust.contains("can't show that it is Dropbox"), "{distrust}");
    let calls = env.sandbox.calls();
    assert!(
        calls.iter().all(|call| NAMES.contains(&call.host.as_str())),
        "{calls:?}"
    );
    let content = calls
        .iter()
        .find(|call| call.route == "files/download")
        .map(|call| call.version.as_str());
    assert_eq!(
        content,
        Some("HTTP/1.1"),
        "bytes go over connections of their own"
    );
    Ok(())
}

const STEPS: &str = r#"
set -euo pipefail
node_tool=$1 authorizer=$2 key=$3 hosts=$4
mount --bind "$hosts" /etc/hosts
"$authorizer" "$key" --no-browser > grant 2> said &
until grep -q Waiting said; do kill -0 $!; done
address=$(grep -o 'https://www.dropbox.com/oauth2/authorize[^ ]*' said | head -1)
redirect=$(curl -sf -X POST "$SANDBOX/sandbox/allow" -d "{\"url\":\"$address\"}" | sed 's/.*"redirect":"\([^"]*\)".*/\1/')
curl -sfL "$redirect" > page
wait $!
"$node_tool" config create dbx --app-key "$key" --token-stdin < grant
"$node_tool" copy from dbx:tls
curl -sf -X POST "$SANDBOX/sandbox/expire_access_tokens" -d '{}'
"$node_tool" copy dbx:tls back
"$node_tool" ls dbx:
post() { curl -sf -X POST "$SANDBOX/sandbox/$1" -d "$2"; }
post put_file_of_other '{"path":"/published/sub/f","text":"shared"}'
link=$(post publish '{"path":"/published"}' | sed 's/.*"url":"\([^"]*\)".*/\1/')
"$node_tool" copy "$link" published
[ "$(cat published/sub/f)" = shared ]
post share_folder_of_other '{"path":"/Lab"}'
"$node_tool" copy published 'dbx:{Lab}'
[ "$("$node_tool" cat 'dbx:{Lab}/sub/f')" = shared ]
own=$("$node_tool" link dbx:tls --expire 1d)
"$node_tool" lsf "$own" > /dev/null
[ "$("$node_tool" link dbx:tls --audience members)" = "$own" ]
"$node_tool" link info "$own" > /dev/null
"$node_tool" link list dbx: | grep -qF "$own"
"$node_tool" copy "$own" dbx:again
"$node_tool" link revoke dbx:tls
"$node_tool" lsf "$own" > /dev/null 2>&1 && exit 1
short=$(post shorten "{\"url\":\"$link\"}" | sed 's/.*"url":"\([^"]*\)".*/\1/')
[ "$("$node_tool" cat "$short//sub/f")" = shared ]
"$node_tool" shared list dbx: | grep -q Lab
"$node_tool" shared mount 'dbx:{Lab}'
[ "$("$node_tool" cat dbx:Lab/sub/f)" = shared ]
"$node_tool" shared unmount 'dbx:{Lab}'
then=$(post now '{}' | sed 's/.*"now":"\([^"]*\)".*/\1/')
post advance '{"seconds":3600}'
printf changed | "$node_tool" rcat 'dbx:tls/a b.txt'
"$node_tool" deletefile dbx:tls/big
"$node_tool" lsf --deleted dbx:tls | grep -q big
"$node_tool" revisions 'dbx:tls/a b.txt' | grep -q .
"$node_tool" restore dbx:tls --as-of "$then" --yes
[ "$("$node_tool" cat 'dbx:tls/a b.txt')" = hello ]
rev=$("$node_tool" revisions 'dbx:tls/a b.txt' --json | sed -n '1s/.*"rev":"\([^"]*\)".*/\1/p')
[ "$("$node_tool" cat --rev "$rev" 'dbx:tls/a b.txt')" = hello ]
# Somebody in between, whom nobody trusts: no second try, and a way out.
SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt SSL_CERT_DIR= "$node_tool" ls dbx: 2> distrust && exit 1
grep -q "SSL_CERT_FILE" distrust
"#;
