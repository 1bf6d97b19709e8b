import { generateKeyPairSync, randomBytes } from 'node:crypto'

/** A key of ssh. */
export interface SshKey {
  /** In OpenSSH's own form, which all its versions read. */
  readonly privateKey: string
  /** One line, as forges and authorized_keys(5) take it. */
  readonly publicKey: string
}

const KIND = 'ssh-ed25519'
/** Of a cipher that is none. */
const BLOCK = 8

/** Makes an ed25519 key. Its form is described in PROTOCOL.key of OpenSSH. */
export function makeSshKey(comment: string): SshKey {
  const { d = '', x = '' } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  const [secret, open] = [Buffer.from(d, 'base64url'), Buffer.from(x, 'base64url')]
  const shown = concat(text(KIND), text(open))
  const check = randomBytes(4)
  const hidden = concat(check, check, text(KIND), text(open), text(secret, open), text(comment))
  const file = concat(
    Buffer.from('openssh-key-v1\0'),
    text('none'),
    text('none'),
    text(''),
    number(1),
    text(shown),
    text(padded(hidden)),
  )
  const lines = file.toString('base64').match(/.{1,70}/g) ?? []
  const [begin, end] = ['BEGIN', 'END'].map((word) => `-----${word} OPENSSH PRIVATE KEY-----`)
  return {
    privateKey: [begin, ...lines, end, ''].join('\n'),
    publicKey: `${KIND} ${shown.toString('base64')} ${comment}`,
  }
}

function concat(...parts: readonly Buffer[]): Buffer {
  return Buffer.concat(parts)
}

/** With its length before it. */
function text(...parts: readonly (string | Buffer)[]): Buffer {
  const bytes = concat(...parts.map((part) => Buffer.from(part as string)))
  return concat(number(bytes.length), bytes)
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function padded(bytes: Buffer): Buffer {
  const missing = (BLOCK - (bytes.length % BLOCK)) % BLOCK
  return concat(bytes, Buffer.from(Array.from({ length: missing }, (_, at) => at + 1)))
}
