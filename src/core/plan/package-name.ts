/** Names of Debian, Alpine and RPM packages, with versions and architectures: `libc6:i386`, `make=4.3-4`. */
const PACKAGE_NAME = /^[A-Za-z0-9][A-Za-z0-9+._:=~@/-]{0,127}$/

/** Whether this may be passed to a package manager: never an option, a path or a pattern. */
export function isPackageName(name: string): boolean {
  return PACKAGE_NAME.test(name) && !name.includes('..') && !name.includes('//')
}
