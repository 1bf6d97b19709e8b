import { grantOfLabel } from '../secret/secret-rules.ts'
import type { Runner } from './runner.ts'

/**
 * What admits a runner to restricted secrets: its id, and those of its labels that the server granted. Labels
 * that it merely claims don't count, except for the runner in this process, which is the server.
 */
export function grantsOf(
  { id, link, labels }: Pick<Runner, 'id' | 'link' | 'labels'>,
  allowedLabels: readonly string[] | undefined,
): string[] {
  const granted = link.kind === 'in-process' ? labels : (allowedLabels ?? [])
  return [id, ...labels.filter((label) => granted.includes(label)).map(grantOfLabel)]
}
