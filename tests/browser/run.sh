#!/usr/bin/env bash
# Tests the compiler's reports in a real, headless Chromium: builds those of several networks, opens every view with real
# mouse and keyboard events, and leaves pictures in target/browser. Takes about two minutes.
#
# Needs node (18 or newer) and chromium; on Debian it installs what is missing. CHROMIUM names another binary.
set -euo pipefail
cd "$(dirname "$0")/../.."

missing=()
command -v node >/dev/null || missing+=(nodejs)
[ -n "${CHROMIUM:-}" ] || command -v chromium >/dev/null || missing+=(chromium)
if [ ${#missing[@]} -gt 0 ]; then
    command -v apt-get >/dev/null || { echo "please install ${missing[*]}" >&2; exit 1; }
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
fi

out=target/browser
rm -rf "$out"
mkdir -p "$out/reports"
cargo build -p kiln-compiler --example report
report=${CARGO_TARGET_DIR:-target}/debug/examples/report
for file in examples/src/bin/mnist_cnn.rs examples/src/bin/char_transformer.rs tests/browser/deep_transformer.kiln \
    tests/fixtures/networks/stacked_lstm.kiln tests/fixtures/networks/inference.kiln; do
    "$report" "$file" --out "$out/reports" >/dev/null
done
node tests/browser/report.mjs "${CHROMIUM:-chromium}" "$out/reports" "$out/shots"
