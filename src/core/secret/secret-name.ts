const SECRET_NAME = /^[A-Z][A-Z0-9_]{0,99}$/

/**
 * Whether a secret may have this name, which is a variable's as well: capital letters, digits and
 * `_`. Those that Narwhal gives to every step itself are taken.
 */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name) && !isReservedName(name)
}

/** Whether every step has this variable from Narwhal, or from the sandbox. */
export function isReservedName(name: string): boolean {
  return /^(CI|HOME|PATH)$/i.test(name) || /^NARWHAL(_|$)/i.test(name)
}
