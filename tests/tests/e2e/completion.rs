//! Completion, as the real shells do it.

use std::process::Command;

use tests::{
    programs::program,
    terminal::Terminal,
    test_env::{TestEnv, run, skip},
};

fn filled() -> anyhow::Result<TestEnv> {
    let env = TestEnv::connected()?;
    env.connect("other")?;
    env.sandbox
        .put_file("/results/run 7.txt", b"it is seven\n", None)?;
    env.sandbox.put_file("/results/su'b/$x", b"it is x\n", None)?;
    env.sandbox
        .put_file("/readme: first", b"it is the first\n", None)?;
    std::fs::write(env.path("local file"), "it is local\n")?;
    Ok(env)
}

/// A command in this env that finds both programs, if the shell is there.
fn shell(env: &TestEnv, name: &str) -> anyhow::Result<Option<Command>> {
    if Command::new(name).arg("--version").output().is_err() {
        skip(&format!("{name} is not installed; its completion is not tested"));
        return Ok(None);
    }
    // An interactive one needs a terminal of its own.
    let mut command = Command::new(if name == "fish" { name } else { "setsid" });
    env.isolate(&mut command);
    let program = program("node-tool")?;
    program_of_laptop()?;
    let dir = program
        .parent()
        .map(|dir| dir.display().to_string())
        .unwrap_or_default();
    let links = env.path("links");
    std::fs::create_dir_all(&links)?;
    if !links.join("rclone").exists() {
        std::os::unix::fs::symlink(&program, links.join("rclone"))?;
    }
    let path = format!(
        "{}:{dir}:{}",
        links.display(),
        std::env::var("PATH").unwrap_or_default()
    );
    command.env("PATH", path).env("LC_ALL", "C.UTF-8");
    if name != "fish" {
        command.args(["--ctty", "--wait", name]);
    }
    Ok(Some(command))
}

fn program_of_laptop() -> anyhow::Result<()> {
    program("authorizer").map(drop)
}

/// What is typed, with a tab where the shell has to go on, and what the command then prints.
const TYPED: [(&str, &str); 10] = [
    ("node-tool cat dbx:res\tru\t", "it is seven"),
    ("node-tool ca\t d\tres\tsu\t\t", "it is x"),
    ("node-tool cat dbx:rea\t", "it is the first"),
    ("node-tool cat loc\t", "it is local"),
    ("node-tool config sh\t oth\t", "other"),
    ("node-tool lsf --files-on\t dbx:results", "run 7.txt"),
    ("node-tool cat dbx:results/run\\ \t", "it is seven"),
    ("authorizer --vers\t", "authorizer 0."),
    ("rclone cat dbx:res\tru\t", "it is seven"),
    ("node-tool man lsjs\t | grep TH", ".TH node-tool-lsjson"),
];

/// Types at a shell that has loaded its completions.
fn type_all(mut terminal: Terminal, ready: &str, more: &[(&str, &str)]) -> anyhow::Result<()> {
    terminal.expect(ready)?;
    for (typed, printed) in TYPED.iter().chain(more) {
        terminal.send(typed)?;
        terminal.send("\r")?;
        terminal.expect(printed)?;
        terminal.send("echo done$((40+2))\r")?;
        terminal.expect("done42")?;
    }
    terminal.send("exit\r")?;
    terminal.end()?;
    Ok(())
}

#[test]
fn bash_completes_commands_flags_remotes_and_what_is_in_them() -> anyhow::Result<()> {
    let env = filled()?;
    let Some(mut command) = shell(&env, "bash")? else {
        return Ok(());
    };
    command.args(["--noprofile", "--norc", "-i"]);
    let mut terminal = Terminal::start(command)?;
    terminal.send("bind 'set enable-bracketed-paste off'\r")?;
    terminal.send(
        "source <(node-tool completion bash); source <(authorizer --completion bash); source <(rclone completion bash); echo rea''dy\r",
    )?;
    let quoted = [
        ("node-tool cat \"dbx:res\tru\t", "it is seven"),
        ("node-tool cat 'dbx:results/ru\t", "it is seven"),
        ("./node-tool-link cat dbx:results/ru\t", "it is seven"),
    ];
    std::os::unix::fs::symlink(program("node-tool")?, env.path("node-tool-link"))?;
    terminal.send("complete -o nospace -F _node_tool node-tool-link\r")?;
    type_all(terminal, "ready", &quoted)
}

#[test]
fn zsh_completes_them_too() -> anyhow::Result<()> {
    let env = filled()?;
    let Some(mut command) = shell(&env, "zsh")? else {
        return Ok(());
    };
    command.args(["-f", "-i"]);
    let mut terminal = Terminal::start(command)?;
    terminal.send("unset zle_bracketed_paste; autoload -Uz compinit; compinit -u -D\r")?;
    terminal
        .send("source <(node-tool completion zsh); source <(authorizer --completion zsh); source <(rclone completion zsh); echo rea''dy\r")?;
    type_all(terminal, "ready", &[])
}

#[test]
fn fish_completes_them_too() -> anyhow::Result<()> {
    let env = filled()?;
    for (typed, wanted) in [
        ("node-tool ca", "cat"),
        ("node-tool cat d", "dbx:"),
        ("node-tool cat dbx:res", "dbx:results/"),
        ("node-tool cat dbx:results/ru", "dbx:results/run 7.txt"),
        ("node-tool cat dbx:results/run\\ ", "dbx:results/run 7.txt"),
        ("node-tool cat loc", "local file"),
        ("node-tool config show ot", "other"),
        ("node-tool copy --check", "--checksum"),
        ("authorizer --no-b", "--no-browser"),
        ("rclone cat dbx:res", "dbx:results/"),
        ("node-tool man lsjs", "lsjson"),
    ] {
        let Some(mut command) = shell(&env, "fish")? else {
            return Ok(());
        };
        let script = "node-tool completion fish | source; authorizer --completion fish | source; rclone completion fish | source; \
             complete -C $argv[1]";
        command.args(["--no-config", "-c", script, typed]);
        let found = run(command, "")?.ok()?;
        let found: Vec<&str> = found.lines().filter_map(|line| line.split('\t').next()).collect();
        assert_eq!(found, [wanted], "{typed}");
    }
    Ok(())
}

/// What bash is told.
fn told(env: &TestEnv, line: &str) -> anyhow::Result<Vec<String>> {
    let end = env.node_tool(["__complete", "bash", " \t\n\"'><=;|&(:", line])?;
    assert_eq!((end.code, end.err.as_str()), (0, ""), "{line}");
    Ok(end.out.lines().map(|line| line.trim_end().to_owned()).collect())
}

#[test]
fn what_is_hidden_stays_hidden_and_one_call_is_enough() -> anyhow::Result<()> {
    let env = filled()?;
    assert_eq!(told(&env, "node-tool copy --check")?, ["--checksum"]);
    assert!(told(&env, "node-tool copy --dropbox-")?.is_empty());
    assert!(told(&env, "node-tool __")?.is_empty());
    let flags = told(&env, "node-tool copy a b --")?;
    assert!(flags.contains(&"--backup-dir".to_owned()) && !flags.contains(&"--checkers".to_owned()));
    assert_eq!(told(&env, "node-tool copy --backup-dir oth")?, ["other:"]);
    assert_eq!(told(&env, "node-tool tree --sort n")?, ["name"]);
    for n in 0..700 {
        env.sandbox.put_file(&format!("/many/{n}"), b"", None)?;
    }
    env.sandbox.reset_calls();
    assert!(told(&env, "node-tool ls dbx:many/")?.len() >= 100);
    assert_eq!(env.sandbox.calls().len(), 1, "{:?}", env.sandbox.counts());
    Ok(())
}

#[test]
fn what_cannot_be_had_is_left_out_in_silence() -> anyhow::Result<()> {
    let env = filled()?;
    assert!(told(&env, "node-tool ls nosuch:")?.is_empty());
    assert!(told(&env, "node-tool ls dbx:nosuch/")?.is_empty());
    env.sandbox.revoke_all();
    env.sandbox.expire_access_tokens();
    assert!(told(&env, "node-tool ls dbx:")?.is_empty());
    for config in ["no/such", "/dev/null", "."] {
        assert!(told(&env, &format!("node-tool --config {config} ls d"))?.is_empty());
    }
    std::fs::write(env.path("broken"), "][")?;
    assert!(told(&env, "node-tool --config=broken ls d")?.is_empty());
    let mut command = env.command("node-tool")?;
    command
        .env("DROPBOX_URL", "http://127.0.0.1:1")
        .args(["__complete", "zsh", "ls", "dbx:"]);
    let end = run(command, "")?;
    assert_eq!((end.code, end.out.as_str(), end.err.as_str()), (0, "", ""));
    Ok(())
}
