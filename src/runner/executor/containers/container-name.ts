import { randomBytes } from 'node:crypto'
import type { ContainerSpec } from './container-spec.ts'

/** Readable where containers are listed, unique, and made of the characters that engines accept. */
export function containerName({ sandbox, part }: Pick<ContainerSpec, 'sandbox' | 'part'>): string {
  const name = part === undefined ? sandbox : `${sandbox}-${part}`
  const word = name.replaceAll(/[^A-Za-z0-9_.-]+/g, '-').slice(0, 80)
  return `narwhal-${word}-${randomBytes(4).toString('hex')}`
}
