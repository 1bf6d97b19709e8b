import { createHash } from 'node:crypto'
import { z } from 'zod'
import { NarwhalError } from '../../../lib/errors.ts'

export const DIGEST = /^sha256:[0-9a-f]{64}$/

const Descriptor = z.object({
  mediaType: z.string().optional(),
  digest: z.string().regex(DIGEST),
  size: z.number().int().nonnegative(),
})

const Manifest = z.object({
  schemaVersion: z.literal(2),
  config: Descriptor,
  layers: z.array(Descriptor),
})

const Index = z.object({
  schemaVersion: z.literal(2),
  manifests: z.array(
    Descriptor.extend({
      annotations: z.record(z.string(), z.string()).nullish(),
      platform: z
        .object({
          os: z.string(),
          architecture: z.string(),
          variant: z.string().nullish(),
        })
        .nullish(),
    }),
  ),
})

export type Descriptor = z.infer<typeof Descriptor>
export type Manifest = z.infer<typeof Manifest>
export type Index = z.infer<typeof Index>

/** Both kinds, OCI's and Docker's; throws `invalid` for anything else. */
export function parseManifest(json: string): Manifest | Index {
  try {
    const value: unknown = JSON.parse(json)
    const isIndex = typeof value === 'object' && value !== null && 'manifests' in value
    return isIndex ? Index.parse(value) : Manifest.parse(value)
  } catch (cause) {
    const words = 'its manifest is of a form that is not supported: build or push the image again'
    throw new NarwhalError('invalid', words, { cause })
  }
}

export function isIndex(one: Manifest | Index): one is Index {
  return 'manifests' in one
}

export function sha256(bytes: string | Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

export function hexOf(digest: string): string {
  return digest.slice('sha256:'.length)
}
