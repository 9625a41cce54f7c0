//! node-tool
