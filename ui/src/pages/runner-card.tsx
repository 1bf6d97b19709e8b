import type { RunnerSample, RunnerView } from '../../../src/contract/views.ts'
import { formatBytes, formatCount } from '../format.ts'
import { Sparkline } from '../parts/sparkline.tsx'
import { Ago } from '../parts/times.tsx'

const STATES: Readonly<Record<RunnerView['state'], string>> = {
  online: 'Online',
  draining: 'Draining',
  offline: 'Offline',
  set_aside: 'Set aside',
}

export interface RunnerCardProps {
  readonly runner: RunnerView
  readonly samples: readonly RunnerSample[]
}

export function RunnerCard({ runner, samples }: RunnerCardProps) {
  const { hardware } = runner
  return (
    <article className="card" aria-label={`Runner ${runner.name}`}>
      <header>
        <h2>{runner.name}</h2>
        <span className={`pill is-${runner.state}`}>{STATES[runner.state]}</span>
      </header>
      {runner.reason ? <p className="quiet">{runner.reason}</p> : null}
      <Slots busy={runner.busy} slots={runner.slots} />
      <Load samples={samples} />
      <dl className="details">
        <Detail name="Engines" value={runner.engines.join(', ')} />
        <Detail name="Labels" value={runner.labels.join(', ')} />
        <Detail
          name="Machine"
          value={
            hardware &&
            `${formatCount(hardware.cpus, 'CPU')}, ${formatBytes(hardware.memoryBytes)}, ${hardware.operatingSystem} ${hardware.architecture}`
          }
        />
        <Detail
          name="Link"
          value={
            runner.balanced
              ? `${runner.url ?? ''} (${formatCount(runner.members, 'runner')} behind it)`
              : (runner.url ?? 'in this process')
          }
        />
      </dl>
      {runner.lastSeenAt !== undefined && runner.state !== 'online' ? (
        <p className="quiet">
          Last heard of <Ago at={runner.lastSeenAt} />
        </p>
      ) : null}
    </article>
  )
}

function Slots({ busy, slots }: { readonly busy: number; readonly slots: number }) {
  const boxes = Array.from({ length: Math.min(slots, 32) }, (_, index) => index)
  return (
    <p className="slots">
      <span className="boxes" aria-hidden="true">
        {boxes.map((index) => (
          <span key={index} className={index < busy ? 'box is-busy' : 'box'} />
        ))}
      </span>
      <span className="number">
        {busy} of {formatCount(slots, 'slot')} busy
      </span>
    </p>
  )
}

function Load({ samples }: { readonly samples: readonly RunnerSample[] }) {
  const newest = samples.at(-1)
  if (!newest) return <p className="quiet">No load reported yet.</p>
  const percent = (share: number) => `${Math.round(share * 100)} %`
  return (
    <div className="sparks">
      <Sparkline
        label="CPU"
        value={percent(newest.cpu)}
        points={samples.map(({ cpu }) => cpu)}
        max={1}
      />
      <Sparkline
        label="Load"
        value={newest.load.toFixed(2)}
        points={samples.map(({ load }) => load)}
        max={Math.max(1, ...samples.map(({ load }) => load))}
      />
      <Sparkline
        label="Memory"
        value={formatBytes(newest.memoryUsedBytes)}
        points={samples.map(({ memoryUsedBytes }) => memoryUsedBytes)}
        max={newest.memoryTotalBytes}
      />
    </div>
  )
}

function Detail({ name, value }: { readonly name: string; readonly value: string | undefined }) {
  if (!value) return null
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
}
