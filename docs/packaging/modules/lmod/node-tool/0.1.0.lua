-- Lmod: put this at MODULEPATH/node-tool/0.1.0.lua, and unpack the release below `prefix`.
local prefix = pathJoin("/opt/apps/node-tool", myModuleVersion())

help([[
Lists, copies and syncs between Dropbox and this cluster. To connect your account:
    node-tool config create dbx
Then: node-tool lsd dbx:      node-tool copy dbx:FOLDER /some/folder
Manual: man node-tool, and node-tool COMMAND --help.
]])
whatis("Name: node-tool")
whatis("Version: " .. myModuleVersion())
whatis("Description: transfers between Dropbox and this cluster's file systems")

prepend_path("PATH", pathJoin(prefix, "bin"))
prepend_path("MANPATH", pathJoin(prefix, "share/man"))
prepend_path("XDG_DATA_DIRS", pathJoin(prefix, "share"), ":") -- bash-completion looks there
prepend_path("FPATH", pathJoin(prefix, "share/zsh/site-functions"))
-- What the centre sets for everybody: app key, connections, a line for help. A user's own variable wins.
local site = pathJoin(prefix, "etc/config.toml")
if isFile(site) and not os.getenv("NODE_TOOL_SITE_CONFIG") then
   setenv("NODE_TOOL_SITE_CONFIG", site)
end
