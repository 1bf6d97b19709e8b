import { grantOfLabel } from '../secret/secret-rules.ts'
import type { Runner } from './runner.ts'

/**
 * By what a runner may have secrets that are kept for some: its id, and those of its labels that the server has
 * granted. Labels that it says by itself are none, but for the one in this process, which is the server.
 */
export function grantsOf(
  { id, link, labels }: Pick<Runner, 'id' | 'link' | 'labels'>,
  allowedLabels: readonly string[] | undefined,
): string[] {
  const granted = link.kind === 'in-process' ? labels : (allowedLabels ?? [])
  return [id, ...labels.filter((label) => granted.includes(label)).map(grantOfLabel)]
}
