import { useState } from 'react'
import type { PlacementView } from '../../../../src/contract/rest/rest-insights.ts'

const COLUMNS = 24

/** How many jobs each runner got over time, by heuristic: whether the load is balanced. */
export function PlacementMap({ placements }: { readonly placements: readonly PlacementView[] }) {
  const [heuristic, setHeuristic] = useState('')
  const heuristics = [...new Set(placements.map((one) => one.heuristic))].toSorted()
  const shown = placements.filter((one) => heuristic === '' || one.heuristic === heuristic)
  const times = shown.map(({ assignedAt }) => assignedAt)
  const from = Math.min(...times)
  const step = Math.max(1, (Math.max(...times) - from) / COLUMNS)
  const counts = new Map<string, number[]>()
  for (const { runnerName, assignedAt } of shown) {
    const row = counts.get(runnerName) ?? Array.from({ length: COLUMNS }, () => 0)
    const column = Math.min(COLUMNS - 1, Math.floor((assignedAt - from) / step))
    row[column] = (row[column] ?? 0) + 1
    counts.set(runnerName, row)
  }
  const most = Math.max(1, ...[...counts.values()].flat())
  const rows = [...counts].toSorted(([a], [b]) => a.localeCompare(b))
  if (placements.length === 0) return null
  return (
    <section aria-label="Placements">
      <div className="section-head">
        <h2>Placements</h2>
        <span className="quiet small">
          last {placements.length.toLocaleString('en')} jobs; darker means more at a time
        </span>
        <div className="commands">
          <select
            aria-label="Heuristic"
            value={heuristic}
            onChange={(event) => setHeuristic(event.target.value)}
          >
            <option value="">All heuristics</option>
            {heuristics.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </div>
      </div>
      <div className="panel heat" tabIndex={0} role="group" aria-label="Placements over time">
        <table>
          <thead>
            <tr>
              <th scope="col">Runner</th>
              <th scope="col" className="heat-times">
                <time>{formatMoment(from)}</time>
                <time>{formatMoment(from + COLUMNS * step)}</time>
              </th>
              <th scope="col">Jobs</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(([name, row]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>
                  <svg
                    viewBox={`0 0 ${COLUMNS * 10} 10`}
                    preserveAspectRatio="none"
                    aria-hidden="true"
                  >
                    {row.map((count, index) => (
                      <rect
                        // oxlint-disable-next-line react/no-array-index-key -- columns never move
                        key={index}
                        x={index * 10}
                        width={9.4}
                        height={10}
                        className={count === 0 ? 'heat-none' : 'heat-some'}
                        fillOpacity={count === 0 ? 1 : 0.25 + (0.75 * count) / most}
                      >
                        <title>{`${count} from ${formatMoment(from + index * step)}`}</title>
                      </rect>
                    ))}
                  </svg>
                </td>
                <td className="number">{row.reduce((sum, count) => sum + count, 0)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  )
}

function formatMoment(at: number): string {
  if (!Number.isFinite(at)) return ''
  const options = { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' } as const
  return new Date(at).toLocaleString('en', { ...options, hour12: false })
}
