import { arch } from 'node:process'
import { NarwhalError } from '../../../lib/errors.ts'
import type { Index } from './manifest.ts'

/** Node's names of machines in those of images. */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: 'amd64',
  ia32: '386',
  arm64: 'arm64',
  arm: 'arm',
  ppc64: 'ppc64le',
  riscv64: 'riscv64',
  s390x: 's390x',
  loong64: 'loong64',
}

/** The kind of machine this is, as images say it. */
export function ownArchitecture(): string {
  return ARCHITECTURES[arch] ?? arch
}

/** The entry of an index for this machine. Throws `invalid`, with a list of what there is. */
export function chooseManifest(
  { manifests }: Index,
  wanted = ownArchitecture(),
): Index['manifests'][number] {
  const fitting = manifests.filter(
    ({ platform }) => platform?.os === 'linux' && platform.architecture === wanted,
  )
  // Without a variant, it runs on every machine of the kind; then the oldest one.
  const [best] = fitting.sort((a, b) => variantOf(a).localeCompare(variantOf(b)))
  if (best) return best
  const others = manifests.flatMap(({ platform }) =>
    platform && platform.os !== 'unknown' ? [platformWords(platform)] : [],
  )
  const has = others.length > 0 ? `only ${[...new Set(others)].join(', ')}` : 'no platform'
  throw new NarwhalError('invalid', `it has nothing for linux/${wanted}, ${has}`)
}

/** A manifest that stands alone names no machine, its configuration does. Throws `invalid`. */
export function checkMachine(
  { os, architecture }: { readonly os: string; readonly architecture: string },
  wanted = ownArchitecture(),
): void {
  // Some tools leave it empty.
  if (os === 'linux' && (architecture === '' || architecture === wanted)) return
  const words = `it is for ${platformWords({ os, architecture })}, and this machine is linux/${wanted}`
  throw new NarwhalError('invalid', words)
}

function variantOf({ platform }: Index['manifests'][number]): string {
  return platform?.variant ?? ''
}

interface PlatformWords {
  readonly os: string
  readonly architecture: string
  readonly variant?: string | null | undefined
}

function platformWords({ os, architecture, variant }: PlatformWords): string {
  return [os, architecture, ...(variant ? [variant] : [])].join('/')
}
