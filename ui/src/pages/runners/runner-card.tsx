import { networkInWords } from '../../../../src/contract/rest/network-words.ts'
import type { PlacementView } from '../../../../src/contract/rest/rest-insights.ts'
import type { RunnerSample, RunnerView } from '../../../../src/contract/rest/views.ts'
import { call } from '../../api.ts'
import { formatBytes, formatCount } from '../../format.ts'
import { CommandButton } from '../../parts/command-button.tsx'
import { Ago, Duration } from '../../parts/times.tsx'
import { Plot } from '../../plot/plot.tsx'
import { Link } from '../../router.tsx'

const STATES: Readonly<Record<RunnerView['state'], string>> = {
  online: 'Online',
  draining: 'Draining',
  offline: 'Offline',
  set_aside: 'Quarantined',
}

export interface RunnerCardProps {
  readonly runner: RunnerView
  readonly samples: readonly RunnerSample[]
  /** Its recent placements, newest first. */
  readonly placements: readonly PlacementView[]
}

export function RunnerCard({ runner, samples, placements }: RunnerCardProps) {
  const canResume = runner.state === 'draining' || runner.state === 'set_aside'
  const endpoint = canResume ? 'resumeRunner' : 'drainRunner'
  const command = async () => void (await call(endpoint, { params: { runner: runner.id } }))
  return (
    <article className="card" aria-label={`Runner ${runner.name}`}>
      <header>
        <h2>{runner.name}</h2>
        <span className={`pill is-${runner.state}`}>{STATES[runner.state]}</span>
        <div className="commands">
          <CommandButton run={command} needs="admin" isSmall>
            {canResume ? 'Resume' : 'Drain'}
          </CommandButton>
        </div>
      </header>
      {runner.reason ? <p className="quiet small">{runner.reason}</p> : null}
      <Slots busy={runner.busy} slots={runner.slots} />
      <Running placements={placements} />
      <Load samples={samples} />
      <Details runner={runner} placements={placements} />
      <Vulnerabilities tools={runner.flawedTools ?? []} />
      <BetterContainers sentences={runner.containers?.better ?? []} />
      {runner.lastSeenAt !== undefined && runner.state !== 'online' ? (
        <p className="quiet small">
          Last seen <Ago at={runner.lastSeenAt} />
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
        {slots === 0
          ? `${formatCount(busy, 'job')} to finish`
          : `${busy} of ${formatCount(slots, 'slot')} busy`}
      </span>
    </p>
  )
}

function Running({ placements }: { readonly placements: readonly PlacementView[] }) {
  const running = placements.filter(({ finishedAt }) => finishedAt === undefined)
  if (running.length === 0) return null
  return (
    <ul className="running-jobs small" aria-label="Running jobs">
      {running.slice(0, 8).map((one) => (
        <li key={`${one.jobId} ${one.attempt}`}>
          <Link to={`/pipelines/${one.pipelineId}?job=${one.jobId}`}>
            {one.repositoryName} · {one.jobName}
          </Link>
          <span className="quiet">
            <Duration of={{ startedAt: one.assignedAt }} />
          </span>
        </li>
      ))}
    </ul>
  )
}

function Load({ samples }: { readonly samples: readonly RunnerSample[] }) {
  const newest = samples.at(-1)
  if (!newest) return <p className="quiet small">No load reported yet.</p>
  const percent = (share: number) => `${Math.round(share * 100)}%`
  const times = samples.map(({ at }) => at / 1000)
  return (
    <>
      <Plot
        label="CPU"
        summary={percent(newest.cpu)}
        times={times}
        lines={[{ name: 'CPU', values: samples.map(({ cpu }) => cpu) }]}
        format={percent}
        most={1}
      />
      <Plot
        label="Memory"
        summary={`${formatBytes(newest.memoryUsedBytes)} of ${formatBytes(newest.memoryTotalBytes)}`}
        times={times}
        lines={[{ name: 'Memory', values: samples.map((one) => one.memoryUsedBytes) }]}
        format={formatBytes}
        most={newest.memoryTotalBytes}
      />
    </>
  )
}

/** Failures are the user's; an `error` is the runner's. */
function reliability(placements: readonly PlacementView[]): string | undefined {
  const ended = placements.filter(({ outcome }) => outcome !== undefined)
  if (ended.length === 0) return undefined
  const count = (wanted: string) => ended.filter(({ outcome }) => outcome === wanted).length
  const share = Math.round((100 * count('success')) / ended.length)
  return `${share}% of the last ${ended.length} succeeded, ${formatCount(count('error'), 'error')}`
}

function Details({ runner, placements }: Omit<RunnerCardProps, 'samples'>) {
  const { hardware, jobNetwork, containers } = runner
  const machine =
    hardware &&
    `${formatCount(hardware.cpus, 'CPU')}, ${formatBytes(hardware.memoryBytes)}, ${hardware.operatingSystem} ${hardware.architecture}`
  const behind = `${runner.url ?? ''} (${formatCount(runner.members, 'runner')} behind it)`
  const link = runner.link === 'attached' ? 'Outbound' : 'In-process'
  return (
    <dl className="details">
      <Detail name="Jobs" value={reliability(placements)} />
      <Detail name="Labels" value={runner.labels.join(', ')} />
      <Detail name="Engines" value={runner.engines.join(', ')} />
      <Detail name="Machine" value={machine} />
      <Detail name="Containers" value={containers?.how} />
      <Detail name="Job network" value={jobNetwork && networkInWords(jobNetwork)} />
      <Detail name="Connection" value={runner.balanced ? behind : (runner.url ?? link)} />
      <Detail name="Version" value={runner.version} />
    </dl>
  )
}

function BetterContainers({ sentences }: { readonly sentences: readonly string[] }) {
  if (sentences.length === 0) return null
  return (
    <details className="small">
      <summary>Containers could be started in a better way</summary>
      <ul>
        {sentences.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
    </details>
  )
}

function Vulnerabilities({ tools }: { readonly tools: NonNullable<RunnerView['flawedTools']> }) {
  if (tools.length === 0) return null
  return (
    <details className="small">
      <summary>
        Known vulnerabilities: {tools.map(({ name, version }) => `${name} ${version}`).join(', ')}
      </summary>
      <ul>
        {tools.flatMap(({ name, version, holes }) =>
          holes.map((hole) => (
            <li key={`${name} ${version} ${hole}`}>
              {name} {version}: {hole}
            </li>
          )),
        )}
      </ul>
      <p className="quiet">Update them, unless your distribution has patched these versions.</p>
    </details>
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
