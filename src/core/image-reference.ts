import { NarwhalError } from '../lib/errors.ts'

/** A parsed image reference. */
export interface ImageReference {
  /** As passed to an engine: `node:24`, `ghcr.io/a/b@sha256:…`; `:latest` is filled in. */
  readonly full: string
  /** The name without tag and digest: `node`, `ghcr.io/a/b`. */
  readonly name: string
  readonly version: string
}

const ALNUM = '[a-z0-9]+'
const COMPONENT = `${ALNUM}(?:(?:[._]|__|-+)${ALNUM})*`
const LABEL = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])'
const HOST = `(?:${LABEL}(?:\\.${LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]{1,5})?`
const TAG = '[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}'
const DIGEST = 'sha(?:256:[a-f0-9]{64}|512:[a-f0-9]{128})'

/** The grammar of github.com/distribution/reference, without digest algorithms that nobody uses. */
const REFERENCE = new RegExp(
  `^(?<name>(?:${HOST}/)?${COMPONENT}(?:/${COMPONENT})*)(?::(?<tag>${TAG}))?(?:@(?<digest>${DIGEST}))?$`,
)
const MAX_LENGTH = 512
const MAX_NAME_LENGTH = 255

/** Parses an image reference; throws `invalid` if it is malformed. */
export function parseImageReference(text: string): ImageReference {
  const reference = findReference(text)
  if (!reference) throw refused(text)
  return reference
}

export function isImageReference(text: string): boolean {
  return findReference(text) !== undefined
}

function findReference(text: string): ImageReference | undefined {
  const match = text.length <= MAX_LENGTH ? REFERENCE.exec(text) : null
  const { name, tag, digest } = match?.groups ?? {}
  if (!name || name.length > MAX_NAME_LENGTH) return undefined
  // Docker's reserved empty image: no shell, and in no registry.
  if (name === 'scratch') return undefined
  if (digest) return { full: `${name}@${digest}`, name, version: digest }
  const version = tag ?? 'latest'
  return { full: `${name}:${version}`, name, version }
}

function refused(text: string): NarwhalError {
  const shown = JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
  return new NarwhalError(
    'invalid',
    `${shown} can't be a container image: write it like node:24, or registry.example/team/image:tag`,
  )
}
