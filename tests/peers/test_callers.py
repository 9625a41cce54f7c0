"""What calls rclone: a web portal's file browser, rules of workflow systems, lines of guides and of job scripts. Each runs with
rclone and with node-tool through a link of that name, on one sandbox and one rclone.conf. What they print on stdout, their exit
codes and both trees afterwards have to be the same.

A line names its places: {r} is a folder of the Dropbox, {l} a local one, each with the files of TREE.
"""

import base64
import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

from peers import PeerTest

TREE = {
    "plain.txt": b"plain\n",
    "notes/readme.md": b"# read me\n",
    "data/run 1.csv": b"1,2\n",
    "data/run2.csv": b"3,4\n",
    "data/deep/x.fq.gz": bytes(range(256)) * 40,
    "videos/day.mkv": b"m" * 300_000,
}
MODIFIED = 1_600_000_000

# How the two outputs are compared.
SAME = "same"  # byte for byte
SORTED = "sorted"  # rclone's order differs from run to run
ANY = "any"  # only whether there is one
NONE = "none"  # not at all
DONE = "done"  # by the line that shows that all has arrived

# The portal's expression for its bar.
PROGRESS = re.compile(r"Transferred:\s+[\d.]+ ?\w+ \/ [\d.]+ \w+, (?P<progress>\d+)%")


class Row:
    """A line, what goes into it, and how its outputs are compared."""

    def __init__(self, line, out=SAME, stdin=None, code=0, quiet=False, env=None, source=""):
        self.line, self.out, self.stdin, self.code, self.quiet, self.env = line, out, stdin, code, quiet, env or {}
        self.source = source


def found(source, line, out=SAME, **more):
    """A line that somebody published: in a repository on GitHub, or on a site. Its remote, folders and files are those of the test."""
    return Row(line, out, source=source, **more)


# Open OnDemand's apps/dashboard/lib/rclone_util.rb, function by function.
PORTAL = [
    Row("rclone listremotes"),
    Row("rclone listremotes --long"),
    Row("rclone config dump", env={"RCLONE_CONFIG": "{extra}"}),
    Row("rclone lsd dbx: --contimeout 2s --timeout 2s --low-level-retries 1 --retries 1", out=ANY),
    Row("rclone lsd missing: --contimeout 2s --timeout 2s --low-level-retries 1 --retries 1", code=1),
    Row("rclone lsjson --low-level-retries=1 {r}"),
    Row("rclone lsjson --low-level-retries=1 {r}/videos"),
    Row("rclone lsjson --low-level-retries=1 {r}/plain.txt"),
    Row("rclone lsjson --low-level-retries=1 {r}/nothing", code=3, out=NONE),  # rclone begins a list that it doesn't end
    Row("rclone lsf --low-level-retries=1 --dir-slash=false {r}"),
    Row("rclone lsf --low-level-retries=1 --dir-slash=false {r}/nothing", code=3),
    Row("rclone lsjson --low-level-retries=1 --stat {r}/plain.txt"),
    Row("rclone lsjson --low-level-retries=1 --stat {r}/data", out=ANY),
    Row("rclone lsjson --low-level-retries=1 --stat {r}/nothing", code=3),
    Row("rclone --quiet cat {r}/plain.txt", quiet=True),
    Row("rclone cat {r}/plain.txt"),
    Row("rclone cat {r}/nothing", code=3),
    Row("rclone touch {r}/touched.txt"),
    Row("rclone mkdir '{r}/new folder'"),
    Row("rclone rcat {r}/written.txt", stdin=b"written by the editor\n"),
    Row("rclone rcat {r}/plain.txt", stdin=b"written over it\n"),
    Row("rclone moveto {l}/plain.txt {r}/uploaded.txt"),
    Row("rclone --quiet --progress moveto {l}/videos/day.mkv {r}/up.mkv", out=DONE, quiet=True),
    Row("rclone --quiet --progress moveto {l}/data {r}/moved", out=DONE, quiet=True),
    Row("rclone --quiet --progress copyto {r}/videos/day.mkv {l}/down.mkv", out=DONE, quiet=True),
    Row("rclone --quiet --progress copyto {r}/data {l}/copied", out=DONE, quiet=True),
    Row("rclone --quiet --progress copyto {r}/plain.txt {r}/again.txt", out=ANY, quiet=True),
    Row("rclone --quiet --progress purge {r}/data", out=ANY, quiet=True),
    Row("rclone --quiet --progress delete {r}/plain.txt", out=ANY, quiet=True),
    Row("rclone size --json {r}"),
    Row("rclone size --json {r}/plain.txt"),
    Row("rclone size --json {r}/nothing", code=3),
]

# Rules of Snakemake and processes of Nextflow that shell out.
WORKFLOWS = [
    Row("rclone copy '{r}/data/run 1.csv' {l}/input"),
    Row("rclone copyto {l}/plain.txt {r}/results/sample.txt"),
    Row("rclone sync {l}/data {r}/data"),
    Row("rclone lsf {r}/videos"),
    Row("rclone lsf -R --files-only {r}", out=SORTED),
    Row("rclone ls {r}/videos/day.mkv"),
    Row("rclone copy {r}/videos ."),
    Row("rclone copy --progress --transfers 4 {l}/data {r}/shared/data", out=DONE),
    Row("rclone --config {conf} copy --transfers 2 --checkers 2 {l}/data {r}/synced"),
    Row("rclone lsjson --stat {r}/videos/day.mkv"),
    Row("rclone size --json {r}/data"),
    Row("rclone cat {r}/notes/readme.md"),
    Row("rclone check {l}/data {r}/data"),
    Row("rclone check {l}/data {r}/videos", code=1),
    Row("rclone deletefile {r}/plain.txt"),
    Row("rclone copy --files-from {l}/list.txt {r} {l}/fetched"),
    Row("rclone hashsum dropbox {r}/data", out=SORTED),
    Row("rclone move {l}/data {r}/finished --delete-empty-src-dirs"),
]

# Kinds of lines of centres' guides, people's job scripts and wrappers.
GUIDES = [
    Row("rclone listremotes", env={"RCLONE_CONFIG": "{conf}"}),
    Row("rclone lsd {r}", out=ANY),
    Row("rclone ls {r}", out=SORTED),
    Row("rclone lsl {r}/data/deep"),
    Row("rclone tree {r}"),
    Row("rclone size {r}"),
    Row("rclone about dbx:"),
    Row("rclone copy {l} {r}/backup -P", out=DONE),
    Row("rclone copy -v --stats 30s {l}/data {r}/backup"),
    Row("rclone --progress --transfers 1 copy {l}/videos {r}/remotedirectory", out=DONE),
    Row("rclone copy --update --verbose --transfers 30 --checkers 8 --contimeout 60s --timeout 300s --retries 3 "
        "--low-level-retries 10 --stats 1s {l} {r}/up"),
    Row("rclone copy {r}/data/ {l}/fastqs --include '*.fq.gz' --progress --transfers 4 --checkers 8 --multi-thread-streams 4", out=DONE),
    Row("rclone --transfers=8 --checkers=16 -P -vv --log-file={l}/../log --fast-list --use-mmap "
        "--dropbox-chunk-size=148M copy {l}/data {r}/team", out=DONE),
    Row("rclone copy --tpslimit 12 --tpslimit-burst 12 --exclude-from {l}/list.txt {l} {r}/archive"),
    Row("rclone sync {l} {r} --progress --stats 30s --stats-one-line --transfers 32 --checkers 32 --dropbox-batch-mode sync "
        "--dropbox-batch-size 800 --dropbox-chunk-size 128M --tpslimit 12 --tpslimit-burst 0 --log-level INFO --exclude .dropbox", out=ANY),
    Row("rclone copy {l} {r}/raw --filter '+ **/*.csv' --filter '- **/*' --transfers=4 --checkers=8 --log-level INFO"),
    Row("rclone move {l}/data {r}/in --log-file {l}/../log -v --delete-empty-src-dirs --fast-list --dropbox-chunk-size 120M "
        "--tpslimit-burst 12 --transfers 6 --stats-one-line"),
    Row("rclone sync {l} {r} --dry-run"),
    Row("rclone sync {r} {l}/mirror --create-empty-src-dirs --delete-after"),
    Row("rclone --ignore-existing -v copy {l} {r}"),
    Row("rclone copy {l}/data {r}/data --checksum --no-traverse"),
    Row("rclone copy {l}/videos {r}/slow --bwlimit 100M --max-age 10y"),
    Row("rclone mkdir {r}/a/b/c"),
    Row("rclone rmdir {r}/data", code=1, out=ANY),
    Row("rclone rmdirs {r}/data --leave-root"),
    Row("rclone delete {r}/data --include '*.csv'"),
    Row("rclone purge {r}/data"),
    Row("rclone deletefile {r}/nothing", code=4),
    Row("rclone copy {l}/nothing {r}", code=3),
    Row("rclone copy missing:x {l}", code=1),
    Row("rclone copy {l}", code=2),
    Row("rclone nosuchverb", code=2),
    Row("rclone copy {l} {r} --no-such-flag", code=2),
    Row("rclone copy {l} {r} --transfers many", code=2),
    Row("rclone copy {l} {r}/by/variable", env={"RCLONE_TRANSFERS": "3", "RCLONE_EXCLUDE": "*.mkv", "RCLONE_DRY_RUN": "false"}),
    Row("rclone copy {l} {r}/by/variable", env={"RCLONE_DRY_RUN": "true"}),
    Row("rclone lsf {r} --format tsp --separator , --files-only"),
    Row("rclone lsf -R {r} --dirs-only", out=SORTED),
    Row("rclone lsjson -R --files-only --no-mimetype --no-modtime {r}/data/deep"),
]


# Lines as people published them.
PUBLISHED = [
    found("masseyr/spatialSLURMScripts scripts/rclone.sh", "rclone --include 'run*.csv' copy {r}/data {l}/sync/"),
    found("kdestasio/dicom_backup archive_backup.sh",
          "rclone copy --tpslimit 12 --tpslimit-burst 12 --exclude-from {l}/list.txt {l}/ '{r}/Ann’s files'/shared/dicoms/"),
    found("greenkidneybean/long-read-yeast-genomes src/rclone-upload.sh", "rclone copy --progress {l}/plain.txt {r}/Data/", out=DONE),
    found("tyler-peirce/OceanOmics-draft-genomes 01_fastqc/03_fastqc-backup.sh", "rclone copy {l}/data/ {r}/filtered-reads/ --checksum"),
    found("rscharf1/steidl-misc goichi/WES/analysis_2/get_data.sh",
          "rclone copy '{r}/data/' fastqs --include '*.fq.gz' --progress --transfers 4 --checkers 8 --multi-thread-streams 4", out=DONE),
    found("rscharf1/steidl-misc goichi/WES/analysis_2/get_data.sh", "rclone copy '{r}/data/' fastqs --include '*.fq.gz' --dry-run"),
    found("jyalim/sol-sbatch-templates templates/template-rclone-job/rclone-sbatch.sh",
          "rclone --transfers=8 --checkers=16 -P -vv --log-file={l}/../log --fast-list --use-mmap --drive-chunk-size=2G "
          "--dropbox-chunk-size=148M copy {l}/data {r}/team", out=DONE),
    found("lldean18/misc_scripts 08_copy_grp_project2_data_to_HPC.bash",
          "rclone --transfers 4 --checkers 4 --bwlimit 100M --checksum copy {r}/data {l}/resources"),
    found("lldean18/misc_scripts 08_copy_grp_project2_data_to_HPC.bash", "rclone check --one-way {r}/data {l}/data"),
    found("smangul1/miscellaneous.scripts README.md", "rclone copy -L -v --stats 30s {l}/data/ {r}/raw.reads.batch3/"),
    found("sagc-bioinformatics/modules rclone/1.54.1/rcloneCopy.nf", "rclone copy --progress --transfers 2 {l}/data {r}/Shared/run", out=DONE),
    found("angavalos/2023_all-lactococcus rclone.smk", "rclone copy '{r}/data/run 1.csv' p1"),
    found("mauriciomagalhaes/bkpSync backsync.sh",
          "rclone --log-file={l}/../rclone.log -v sync --max-age 30y {l}/data --exclude='*.php' {r}/Backups/site"),
    found("eduardocampacci/shellscript rclone-cron.sh", "rclone sync -P --bwlimit=0.375M {l}/data {r}/arquivos", out=DONE),
    found("code-red-panda/os-backups backup-dropbox.sh", "rclone sync {r}/ {l}/mirror"),
    found("Johannes11833/rclone_python rclone_python/rclone.py", "rclone about dbx: --json"),
    found("Johannes11833/rclone_python rclone_python/rclone.py", "rclone copyto {l}/data {r}/data2 --ignore-existing --progress", out=DONE),
    found("Johannes11833/rclone_python rclone_python/rclone.py", "rclone move {l}/data {r}/data2 --progress", out=DONE),
    found("Johannes11833/rclone_python rclone_python/rclone.py", "rclone lsjson {r} --max-depth 1 --files-only"),
    found("Johannes11833/rclone_python rclone_python/rclone.py", "rclone lsjson {r} --max-depth 2 --dirs-only", out=ANY),
    found("Johannes11833/rclone_python rclone_python/rclone.py", "rclone hashsum md5 {r}/data/deep --download"),
    found("Johannes11833/rclone_python rclone_python/rclone.py", "rclone hashsum sha1 {l}/plain.txt --output-file {l}/sums"),
    found("Johannes11833/rclone_python rclone_python/rclone.py", "rclone purge {r}/data"),
    found("neuroinformatics-unit/datashuttle datashuttle/utils/rclone.py",
          "rclone copy {l} {r}/central --create-empty-src-dirs -v --ignore-existing --include '*.csv'"),
    found("neuroinformatics-unit/datashuttle datashuttle/utils/rclone.py",
          "rclone copy {r} {l}/down --create-empty-src-dirs -vv --ignore-existing --progress --dry-run --include '/data/**'", out=ANY),
    found("Alyetama/rclone README.md", "rclone ls {r}/data --exclude '*.csv'"),
    found("BumbleBee0819/rclone README.md", "rclone delete {r}/data"),
    found("durham.readthedocs.io datafed/rclone.html", "rclone --progress --transfers 1 copy {l}/videos {r}/remotedirectory", out=DONE),
    found("reproducible-fmri.pages.dev docs/guides/rclone_transfers.md",
          "rclone copy {r}/data {l}/projects --transfers=16 --progress --create-empty-src-dirs", out=DONE),
    found("login.scg.stanford.edu tutorials/data_movement/rclone", "rclone lsd {r}", out=ANY),
    found("a plotter's upload script on GitHub",
          "rclone --no-check-dest --contimeout 60s --timeout 300s --low-level-retries 10 --retries 99 --dropbox-chunk-size 150M "
          "--drive-chunk-size 256M --progress move {l}/videos {r}/plots", out=DONE),
    found("the same, as a comment", "rclone --rc-web-gui-update --progress --buffer-size=64M --drive-chunk-size 256M --dropbox-chunk-size 128M "
          "move {l}/videos {r}/plots", out=DONE),
    found("a loop that moves accounts, on GitHub",
          "rclone copy {r}/data/ {l}/moved --transfers=2 --progress --drive-stop-on-upload-limit --drive-stop-on-download-limit", out=DONE),
    found("a watch of an input folder, on GitHub", "rclone lsf {r}/data --drive-shared-with-me"),
    found("a table of profiles for services, on GitHub",
          "rclone copy {l}/data {r}/s3 --fast-list --transfers=32 --checkers=32 --s3-upload-cutoff=100M --s3-chunk-size=100M --retries=5 --low-level-retries=10"),
    found("a backup of a small firm, on GitHub",
          "rclone -vv --config={conf} copy --dropbox-chunk-size=145000k --retries=5 {l}/plain.txt {r}/uploads"),
    found("an archiver of camera uploads, on GitHub", "rclone move {r}/data --include 'run*' {r}/archive/2026-11/ --retries 3 --verbose"),
    found("an inbox of documents, on GitHub", "rclone move {r}/data {l}/inbox --include '*.csv' --min-age 1m"),
    found("inputs of a simulator, on GitHub", "rclone sync {r}/data models --max-depth=1"),
    found("a Japanese guide of options, on GitHub",
          "rclone sync {r}/data {l}/out --fast-list --transfers 16 --checkers 32 --progress --stats 30s --stats-one-line --dropbox-chunk-size 128M "
          "--s3-upload-concurrency 8 --s3-chunk-size 128M --retries 8 --low-level-retries 20", out=ANY),
    found("the same", "rclone copy {l} {r}/limited --retries 8 --retries-sleep 60s --max-duration 4h --max-size 100k"),
    found("a worker that syncs notes, on GitHub", "rclone sync '{l}/notes' {r}/Apps/remotely-save --config='{conf}' -v"),
    found("a script between two clouds, on GitHub", "rclone copy -P -c -u --log-level ERROR {l}/data {r}/from", out=DONE),
    found("models of a lab, on GitHub", "rclone copy . {r}/model-zoo -P", out=DONE),
]

# Flags that a job has in rclone, each on a line of its own: fates that differ between the programs would show here.
FLAGS = [
    Row("rclone copy {l} {r} --combined -", out=SORTED),
    Row("rclone copy {l} {r}/new --combined {l}/../lists --missing-on-dst -", out=SORTED),
    Row("rclone sync {l}/data {r} --combined - --dry-run", out=SORTED),
    Row("rclone sync {l}/data {r} --missing-on-src -", out=SORTED),
    Row("rclone copy {r} {l} --differ - --match - --size-only", out=SORTED),
    Row("rclone copyto {l}/plain.txt {r}/plain.txt --combined -"),
    Row("rclone lsd {r} --default-time 2010-02-03T04:05:06Z"),
    Row("rclone lsf {r} --format tp --default-time 2010-02-03"),
    Row("rclone lsjson {r} --dirs-only --default-time off", out=ANY),
    Row("rclone lsf {r} --ca-cert {ca}"),
    Row("rclone lsf {r} --ca-cert {conf}", code=1, out=NONE),
    Row("rclone lsf {r} --bind 127.0.0.1"),
    Row("rclone lsf {r} --http-proxy http://127.0.0.1:9 --low-level-retries 1 --contimeout 2s", code=5),
    Row("rclone copy {l}/data {r}/headers --header 'X-Project: a' --header-upload 'X-B: b' --header-download 'X-C: c'"),
    Row("rclone lsf {r} --user-agent somebody/1.0"),
    Row("rclone lsf {r} --log-file {l}/../log --log-file-max-size 1M --log-file-max-backups 2 --log-file-max-age 1d -vv"),
    Row("rclone lsf {r} --log-format date,time,UTC,pid -v"),
    Row("rclone lsf {r} --color NEVER"),
    Row("rclone lsf {r} --timeout 5m --contimeout 1m --expect-continue-timeout 2s"),
    Row("rclone copy {l} {r} --ignore-existing"),
    Row("rclone copy {l} {r} --update"),
    Row("rclone copy {l} {r} --immutable"),
    Row("rclone copy {l} {r} --ignore-times --ignore-checksum"),
    Row("rclone copy {l} {r}/x --max-size 1k --min-size 5b"),
    Row("rclone copy {l} {r}/x --order-by size,desc --check-first --transfers 1"),
    Row("rclone copy {l}/videos {r}/x --max-transfer 100k --cutoff-mode cautious", code=8),
    Row("rclone copy {l}/data {r}/data --error-on-no-transfer", code=9),
    Row("rclone copy {l} {r}/x --hash-filter 1/2"),
    Row("rclone copy {l} {r}/x --compare-dest {r}"),
    Row("rclone copy {l} {r}/x --copy-dest {r}"),
    Row("rclone sync {l}/data {r} --backup-dir {b}/kept"),
    Row("rclone sync {l}/data {r} --suffix .old --suffix-keep-extension"),
    Row("rclone sync {l}/data {r}/data --max-delete 0"),
    Row("rclone sync {l} {r}/x --exclude '*.csv' --delete-excluded"),
    Row("rclone sync {l} {r} --track-renames"),
    Row("rclone copy {l} {r}/x --files-from-raw {l}/list.txt"),
    Row("rclone lsf -R {r} --filter-from {l}/../rules.txt", out=SORTED),
    Row("rclone lsf -R {r} --ignore-case --include 'README*'", out=SORTED),
    Row("rclone lsf -R {r} --max-age 1d", out=SORTED),
    Row("rclone lsf -R {r} --exclude-if-present day.mkv", out=SORTED),
    Row("rclone size {r} --max-depth 1"),
    Row("rclone ls {r}/data --human-readable", out=SORTED),
    Row("rclone delete {r}/data --rmdirs"),
    Row("rclone cat {r}/data --include '*.csv' --head 2", out=ANY),
    Row("rclone check {l} {r} --size-only --combined -", out=SORTED, code=1),
    Row("rclone copy {l} {r}/x --drive-chunk-size 64M --s3-no-check-bucket --onedrive-drive-id x --rc-addr :1 --sftp-user y"),
    Row("rclone copy {l} {r}/x --drive-nosuch", code=2),
    # Progress and statistics, however they are asked for.
    Row("rclone copy {l}/data {r}/x -vP", out=DONE),
    Row("rclone copy {l}/data {r}/x --progress=true", out=DONE),
    Row("rclone copy {l}/data {r}/x -P=false", out=ANY),
    Row("rclone copy {l}/data {r}/x -nP", out=DONE),
    Row("rclone delete {r}/data -vP", out=ANY),
    Row("rclone delete {r}/data --include -P", out=ANY),
    Row("rclone delete {r}/data --progress --stats-one-line", out=ANY),
    Row("rclone purge {r}/data", out=ANY, env={"RCLONE_PROGRESS": "true"}),
]


class Callers(PeerTest):
    def setUp(self):
        super().setUp()
        self.connect_rclone()
        self.conf = self.home / ".config/rclone/rclone.conf"
        self.extra = self.home / "extra.conf"
        self.extra.write_text("[bucket]\ntype = s3\nregion = x\n\n[more box]\ntype = dropbox\nclient_id = k\ntoken = {\"access_token\":\"a\"}\n")
        links = self.home / "links"
        links.mkdir()
        (links / "rclone").symlink_to(self.program_path("NODE_TOOL_BIN"))
        self.programs = {"theirs": self.program_path("RCLONE_BIN"), "ours": str(links / "rclone")}

    def prepare(self, who):
        """Makes both places as they are before each line."""
        local = self.home / who / "local"
        shutil.rmtree(local.parent, ignore_errors=True)
        for name, content in TREE.items():
            path = local / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            os.utime(path, (MODIFIED, MODIFIED))
        (local / "list.txt").write_text("plain.txt\nnotes/readme.md\n")
        (local.parent / "rules.txt").write_text("+ *.csv\n- *\n")
        os.utime(local / "list.txt", (MODIFIED, MODIFIED))
        if any(entry["path"].lower() == f"/{who}" for entry in self.sandbox.control("tree")):
            self.sandbox.control("remove", path=f"/{who}")
        for name, content in TREE.items():
            coded = base64.b64encode(content).decode()
            self.sandbox.control("put_file", path=f"/{who}/{name}", base64=coded, client_modified="2020-09-13T12:26:40Z")
        return local

    def play(self, who, row):
        """Runs a line; gives the exit code, what was printed, and both trees."""
        local = self.prepare(who)
        words = {"r": f"dbx:{who}", "l": str(local), "conf": str(self.conf), "extra": str(self.extra), "ca": self.sandbox.ca, "b": f"dbx:{who}-kept"}
        arguments = [word.format(**words) for word in shlex.split(row.line)][1:]
        env = self.environment() | {name: value.format(**words) for name, value in row.env.items()}
        done = subprocess.run([self.programs[who], *arguments], input=row.stdin or b"", capture_output=True, env=env, cwd=local)
        out = done.stdout.decode().replace(f"/{who}/", "/WHO/").replace(f"dbx:{who}", "dbx:WHO")
        files = {str(path.relative_to(local)): path.read_bytes() for path in local.rglob("*") if path.is_file()}
        stored = {entry["path"].removeprefix(f"/{who}/"): (entry["is_folder"], entry["content_hash"])
                  for entry in self.sandbox.control("tree") if entry["path"].startswith(f"/{who}/")}
        return done.returncode, out, done.stderr.decode(), files, stored

    @staticmethod
    def seen(row, out):
        """What a caller sees in an output."""
        if row.out == SORTED:
            return sorted(out.splitlines())
        if row.out == DONE:
            found = [match["progress"] for match in PROGRESS.finditer(out)]
            return found[-1:] and found[-1]
        if row.out == ANY:
            return bool(out)
        if row.out == NONE:
            return None
        # The sandbox gives each file an ID of its own.
        return re.sub(r'"ID":\s?"id:[^"]*"', '"ID":"ID"', out)

    def compare(self, rows):
        failed = []
        for row in rows:
            theirs, ours = (self.play(who, row) for who in ("theirs", "ours"))
            label = f"{row.line} {row.env or ''} {row.source}"
            if row.code is not None and theirs[0] != row.code:
                failed.append(f"{label}: rclone itself exits with {theirs[0]}\n{theirs[2]}")
            if ours[0] != theirs[0]:
                failed.append(f"{label}: exits with {ours[0]}, not {theirs[0]}\n{ours[2]}")
            if self.seen(row, ours[1]) != self.seen(row, theirs[1]):
                failed.append(f"{label}: prints\n{ours[1]}\nnot\n{theirs[1]}\n{ours[2]}")
            for what, at in (("local files", 3), ("the Dropbox", 4)):
                if ours[at] != theirs[at]:
                    missing, more = sorted(set(theirs[at]) - set(ours[at])), sorted(set(ours[at]) - set(theirs[at]))
                    failed.append(f"{label}: {what} differ: missing {missing}, more {more}\n{ours[2]}")
            if row.quiet and (theirs[2], ours[2]) != ("", ""):
                failed.append(f"{label}: is not quiet: {theirs[2]!r} {ours[2]!r}")
        self.assertEqual(failed, [], "\n".join(["", *failed]))

    def test_the_portals_file_browser(self):
        self.compare(PORTAL)

    def test_rules_of_workflow_systems(self):
        self.compare(WORKFLOWS)

    def test_lines_of_guides_and_job_scripts(self):
        self.compare(GUIDES)

    def test_lines_that_were_published(self):
        self.assertGreaterEqual(len(PUBLISHED), 30)
        self.compare(PUBLISHED)

    def test_flags_one_by_one(self):
        self.compare(FLAGS)

    def run_ours(self, *arguments, code=0, **env):
        done = subprocess.run([self.programs["ours"], *arguments], capture_output=True, text=True, env=self.environment() | env)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def test_the_version_can_be_parsed(self):
        for arguments in (["version"], ["--version"]):
            first, second = self.run_ours(*arguments).stdout.splitlines()[:2]
            self.assertRegex(first, r"^rclone v1\.\d+\.\d+")
            self.assertIn("node-tool", second)

    def test_errors_are_lines_of_rclones_log(self):
        stamp = r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d "
        said = self.run_ours("ls", "missing:x", code=1).stderr
        self.assertRegex(said, stamp + r'CRITICAL: Failed to create file system for "missing:.*didn\'t find section in config file \("missing"\)')
        said = self.run_ours("copy", "a", "dbx:b", "--rc", code=2).stderr
        self.assertRegex(said.splitlines()[-1], stamp + "NOTICE: Fatal error: --rc can't be honoured here: .")
        said = self.run_ours("lsjson", "dbx:nothing", code=3).stderr
        self.assertRegex(said, stamp + "ERROR : ")
        self.assertRegex(said.splitlines()[-1], stamp + "NOTICE: Failed to lsjson: directory not found")
        self.assertEqual(self.run_ours("--quiet", "lsd", "dbx:").stderr, "")
        for arguments, message in [
            (["nosuchverb"], 'unknown command "nosuchverb" for "rclone"'),
            (["ls", "dbx:", "--no-such-flag"], "unknown flag: --no-such-flag"),
        ]:
            said = self.run_ours(*arguments, code=2).stderr
            self.assertIn(f"Error: {message}", said)
            self.assertRegex(said, stamp + f"NOTICE: Fatal error: {re.escape(message)}")

    def test_a_remote_of_another_kind_is_named(self):
        said = self.run_ours("ls", "bucket:", code=1, RCLONE_CONFIG=str(self.extra)).stderr
        self.assertIn('didn\'t find backend called "s3"', said)
        # The portal passes the remotes of a second file on as variables.
        dumped = json.loads(self.run_ours("config", "dump", RCLONE_CONFIG=str(self.extra)).stdout)
        self.assertEqual(dumped["bucket"], {"type": "s3", "region": "x"})

    def test_a_config_is_shown_without_its_secrets(self):
        theirs = self.program("RCLONE_BIN", "config", "show")[0]
        for arguments in (["show"], ["redacted"], ["show", "dbx"]):
            shown = self.run_ours("config", *arguments).stdout
            keys = [line.split(" = ")[0] for line in shown.splitlines() if line]
            self.assertEqual(sorted(keys), sorted(line.split(" = ")[0] for line in theirs.splitlines() if line))
            self.assertNotIn("access_token", shown)
            self.assertIn("token = XXX\n", shown)
        paths = [self.program("RCLONE_BIN", "config", "paths")[0], self.run_ours("config", "paths").stdout]
        self.assertEqual(paths[0].splitlines()[0], paths[1].splitlines()[0])

    def test_a_renewed_token_is_kept_elsewhere(self):
        self.conf.write_text(self.conf.read_text().replace("2099-", "2000-"))
        self.conf.chmod(0o640)
        before, at = self.conf.read_bytes(), self.conf.stat()
        self.sandbox.control("expire_access_tokens")
        self.sandbox.control("reset_calls")
        for _ in range(3):
            self.run_ours("lsd", "dbx:")
        self.assertEqual(self.sandbox.control("counts").get("/oauth2/token"), 1)
        self.assertEqual((self.conf.read_bytes(), self.conf.stat().st_mode, self.conf.stat().st_mtime_ns), (before, at.st_mode, at.st_mtime_ns))
        kept = list((self.home / ".local/state/node-tool/rclone").iterdir())
        self.assertEqual([path.stat().st_mode & 0o777 for path in kept], [0o600])
        self.assertEqual(list(Path(self.home / ".config").iterdir()), [self.conf.parent], "there is no config of ours")

    def test_a_config_of_ours_comes_first(self):
        self.connect_node_tool()
        self.node_tool("config", "rename", "dbx", "own")
        self.assertEqual(self.run_ours("listremotes").stdout, "own:\n")
        self.assertEqual(self.run_ours("listremotes", "--config", str(self.conf)).stdout, "dbx:\n")
        self.assertEqual(self.run_ours("listremotes", RCLONE_CONFIG=str(self.conf)).stdout, "dbx:\n")
        # By its own name, rclone's file is none of its business.
        said = self.node_tool("lsd", "dbx:", code=1)[1]
        self.assertIn("there is no remote 'dbx:'", said)
