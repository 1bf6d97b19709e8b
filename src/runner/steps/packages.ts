import { isPackageName } from '../../core/plan/package-name.ts'
import { NarwhalError } from '../../lib/errors.ts'

/** The exit code of an install script that could not even try: no package manager, or no permission. */
export const NO_PACKAGE_MANAGER = 96

/**
 * A POSIX shell script that installs the packages with the package manager it finds, and does nothing
 * if all are present, as a command on the PATH or as an installed package. It exits with 1 if the
 * package manager fails, and with NO_PACKAGE_MANAGER if nothing could be tried; standard error says
 * what is missing and what to do. Throws NarwhalError `invalid` for an invalid name.
 */
export function installScript(packages: readonly string[]): string {
  for (const name of packages) {
    if (!isPackageName(name)) {
      throw new NarwhalError('invalid', `${JSON.stringify(name)} isn't a valid package name`)
    }
  }
  // Valid names contain no character that is special to a shell.
  return `${FUNCTIONS}\nset -- ${packages.join(' ')}\n${INSTALL}`
}

const FUNCTIONS = `
is_there() {
  name=\${1%%=*}
  if command -v "$name" >/dev/null 2>&1; then return 0; fi
  if command -v dpkg-query >/dev/null 2>&1; then
    dpkg-query -W -f='\${db:Status-Status}\\n' "$name" 2>/dev/null | grep -q '^installed$'
  elif command -v apk >/dev/null 2>&1; then
    apk info -e "$name" >/dev/null 2>&1
  elif command -v rpm >/dev/null 2>&1; then
    rpm -q "$name" >/dev/null 2>&1
  else
    return 1
  fi
}
give_up() {
  echo "narwhal: can't install $missing: $1" >&2
  exit ${NO_PACKAGE_MANAGER}
}
try_thrice() {
  for pause in 2 5 last; do
    if "$@"; then return 0; fi
    if [ "$pause" != last ]; then sleep "$pause"; fi
  done
  echo "narwhal: can't install $missing: see above what the package manager says" >&2
  exit 1
}
`.trim()

const INSTALL = `
missing=
for package do
  if ! is_there "$package"; then missing="$missing\${missing:+ }$package"; fi
done
if [ -z "$missing" ]; then exit 0; fi
for manager in apt-get apk dnf microdnf yum zypper none; do
  if command -v "$manager" >/dev/null 2>&1; then break; fi
done
if [ "$manager" = none ]; then
  give_up 'there is no package manager; use an image that contains it'
fi
if [ "$(id -u)" != 0 ]; then
  give_up "only root can install packages; name an image (\\\`image:\\\`), or install it on this runner's machine"
fi
if [ ! -w /usr ] || ! (: >/usr/.narwhal-try) 2>/dev/null; then
  give_up "the file system is read-only; name an image (\\\`image:\\\`), or install it on this runner's machine"
fi
rm -f /usr/.narwhal-try
export DEBIAN_FRONTEND=noninteractive
case $manager in
  apt-get)
    try_thrice apt-get update -q
    try_thrice apt-get install -q --yes --no-install-recommends -- $missing ;;
  apk) try_thrice apk add --no-cache -- $missing ;;
  zypper) try_thrice zypper --non-interactive install --no-recommends -- $missing ;;
  *) try_thrice "$manager" install -y -- $missing ;;
esac
`.trimStart()
