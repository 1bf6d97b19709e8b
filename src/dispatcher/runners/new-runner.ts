import type { Runner } from '../../core/runner/runner.ts'
import { newId } from '../../lib/new-id.ts'

/** A runner that is being registered, not seen yet; what is known of a former one of its name stays. */
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
