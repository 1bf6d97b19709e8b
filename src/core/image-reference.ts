import { NarwhalError } from '../lib/errors.ts'

/** An image reference in its parts, as the registry's grammar has them. */
export interface ImageReference {
  /** As it is to be given to an engine: `node:24`, `ghcr.io/a/b@sha256:…`; with `:latest` filled in. */
  readonly full: string
  /** The name without tag and digest: `node`, `ghcr.io/a/b`. */
  readonly name: string
  /** A digest (`sha256:…`) or a tag. */
  readonly version: string
}

const ALNUM = '[a-z0-9]+'
const COMPONENT = `${ALNUM}(?:(?:[._]|__|-+)${ALNUM})*`
const LABEL = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])'
const HOST = `(?:${LABEL}(?:\\.${LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]{1,5})?`
const TAG = '[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}'
const DIGEST = 'sha(?:256:[a-f0-9]{64}|512:[a-f0-9]{128})'

/** The grammar of github.com/distribution/reference, without its digest algorithms nobody has. */
const REFERENCE = new RegExp(
  `^(?<name>(?:${HOST}/)?${COMPONENT}(?:/${COMPONENT})*)(?::(?<tag>${TAG}))?(?:@(?<digest>${DIGEST}))?$`,
)
const MAX_LENGTH = 512
const MAX_NAME_LENGTH = 255

/** Reads an image reference; throws NarwhalError `invalid` for what can't be one. */
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
  // The Engine's own empty image: it has no shell, and no registry has it.
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
