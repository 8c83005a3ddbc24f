#!/usr/bin/env bash
# Set-up steps of the Makefile: venv, assets, browser. Root installs missing Debian packages; others
# get the exact line to type.
set -euo pipefail
VENV="${VENV:-.venv}"
PYTHON="${PYTHON:-python3}"

apt_install() { # apt_install PACKAGE... : returns 1 where that is not possible
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "installing $* with apt" >&2
        apt-get update -qq >/dev/null 2>&1 || true
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1 && return 0
    fi
    return 1
}

set_up_venv() {
    command -v "$PYTHON" >/dev/null || { apt_install python3 python3-venv || { echo "Python 3.11 or later is missing. Type: sudo apt-get install python3 python3-venv" >&2; exit 1; }; }
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$PYTHON is older than 3.11; name another: make PYTHON=/usr/bin/python3.11 …" >&2; exit 1; }
    # Debian splits ensurepip off into python3-venv
    if ! "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null; then
        version=$("$PYTHON" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
        apt_install "$version" || apt_install python3-venv || { echo "The module venv is missing. Type: sudo apt-get install $version" >&2; exit 1; }
    fi
    echo "setting up $VENV" >&2
    [ -x "$VENV/bin/python" ] && "$VENV/bin/python" -c '' 2>/dev/null || "$PYTHON" -m venv --clear "$VENV"
    if ! "$VENV/bin/python" -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock 2>"$VENV/pip.log"; then
        cat "$VENV/pip.log" >&2
        echo "The packages of requirements.lock could not be installed. The first set-up needs a package index; after that everything works offline." >&2
        exit 1
    fi
    "$VENV/bin/python" -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e . 2>>"$VENV/pip.log" || { cat "$VENV/pip.log" >&2; exit 1; }
}

set_up_assets() {
    vendor=src/clearway/reporting/assets/vendor
    if ! command -v npm >/dev/null || ! command -v node >/dev/null; then
        apt_install nodejs npm || { echo "node (18 or later) and npm are missing. Type: sudo apt-get install nodejs npm" >&2; exit 1; }
    fi
    node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' || { echo "node $(node --version) is older than 18" >&2; exit 1; }
    echo "fetching the chart library" >&2
    (cd frontend && npm ci --silent --no-audit --no-fund) || { echo "npm could not fetch the chart library. The first set-up needs the npm registry; after that everything works offline." >&2; exit 1; }
    mkdir -p "$vendor"
    cp frontend/node_modules/echarts/LICENSE "$vendor/echarts.LICENSE.txt"
    cp frontend/node_modules/echarts/NOTICE "$vendor/echarts.NOTICE.txt"
    cp frontend/node_modules/topojson-client/LICENSE "$vendor/topojson-client.LICENSE.txt"
    cp frontend/node_modules/echarts/dist/echarts.min.js frontend/node_modules/topojson-client/dist/topojson-client.min.js "$vendor/"
    touch "$vendor"/*.js
}

set_up_browser() {
    command -v chromium >/dev/null || apt_install chromium || echo "Chromium is missing: the browser tests will be skipped. Type: sudo apt-get install chromium" >&2
    { command -v fc-list >/dev/null && fc-list :lang=zh | grep -q .; } || apt_install fontconfig fonts-noto-cjk || echo "No Chinese font: pages in the browser tests may show boxes. Type: sudo apt-get install fonts-noto-cjk" >&2
}

case "${1:?venv, assets or browser}" in
    venv) set_up_venv ;;
    assets) set_up_assets ;;
    browser) set_up_browser ;;
esac
