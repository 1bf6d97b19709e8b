import type { ServiceSpec } from '../../core/plan/plan.ts'
import { present } from '../../lib/present.ts'
import { durationMs } from '../schema/limits.ts'
import type { Service } from '../schema/services.ts'
import { fillImage, type Planning, planEnv, type Variant } from './planning.ts'

const USUAL_TIMEOUT = '2m'

/** The services of a job, in file order. */
export function planServices(
  services: Readonly<Record<string, Service>>,
  variant: Variant,
  planning: Planning,
): ServiceSpec[] {
  return Object.entries(services).map(([name, service]): ServiceSpec => {
    const path = [...variant.path, 'services', name]
    const { command } = service
    return {
      name,
      image: fillImage(service.image, { ...variant, path }, planning),
      env: planEnv(service.env, [...path, 'env'], planning, variant),
      ...present({
        command: typeof command === 'string' ? command.trim().split(/\s+/) : command,
      }),
      ...readyOf(service),
    }
  })
}

function readyOf({ ready, ports }: Service): Pick<ServiceSpec, 'ready'> {
  if (ready === undefined) {
    return ports ? { ready: { ports, timeoutMs: durationMs(USUAL_TIMEOUT) } } : {}
  }
  const {
    command,
    tcp,
    timeout = USUAL_TIMEOUT,
  } = typeof ready === 'string' ? { command: ready } : ready
  const timeoutMs = durationMs(timeout)
  if (command !== undefined) return { ready: { command, timeoutMs } }
  return tcp === undefined ? {} : { ready: { ports: [tcp], timeoutMs } }
}
