const SECRET_NAME = /^[A-Z][A-Z0-9_]{0,99}$/

/**
 * Whether a secret may have this name, which is also a variable: capital letters, digits and `_`. Names that
 * Narwhal sets itself are reserved.
 */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name) && !isReservedName(name)
}

/** Whether Narwhal or the sandbox sets this variable for every step. */
export function isReservedName(name: string): boolean {
  return /^(CI|HOME|PATH)$/i.test(name) || /^NARWHAL(_|$)/i.test(name)
}
