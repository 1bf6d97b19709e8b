import type { Runner } from '../../core/runner/runner.ts'
import { newId } from '../../lib/new-id.ts'

/** A newly registered runner, not seen yet; keeps what is known of a previous one of its name. */
export function newRunner(
  { id = newId('runner'), name, link }: Pick<Runner, 'name' | 'link'> & Partial<Runner>,
  former: Runner | undefined,
): Runner {
  return {
    id: former?.id ?? id,
    name,
    link,
    members: 0,
    state: 'offline',
    reason: 'not connected yet',
    labels: former?.labels ?? [],
    engines: former?.engines ?? [],
    slots: former?.slots ?? 0,
    busy: 0,
    registeredAt: former?.registeredAt ?? Date.now(),
    draining: former?.draining ?? false,
    failures: 0,
  }
}
