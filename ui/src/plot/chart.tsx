import { useEffect, useRef } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import type { PlotProps } from './plot-props.ts'

/** Line colours by index, distinct from those of statuses. */
const COLORS = [
  ['#2f7fd1', '#6cb0ff'],
  ['#8a4fb0', '#c795e8'],
  ['#0f7f88', '#4fc3cc'],
  ['#a0661a', '#dda75a'],
  ['#5b6672', '#a3afbb'],
] as const

/** Draws a plot on a canvas; see `Plot`. */
export function Chart({ times, lines, format, most, height = 90, isByTime = true }: PlotProps) {
  const place = useRef<HTMLDivElement>(null)
  const chart = useRef<uPlot>(undefined)
  const data = [times, ...lines.map(({ values }) => values)] as unknown as uPlot.AlignedData
  const newest = useRef(data)
  newest.current = data
  const names = lines.map(({ name }) => name).join('\n')
  // oxlint-disable-next-line react-hooks/exhaustive-deps -- the data is set below
  useEffect(() => {
    const outer = place.current
    if (!outer) return
    const draw = () => {
      chart.current?.destroy()
      const isDark =
        getComputedStyle(document.documentElement).colorScheme === 'dark' || isDarkBySystem()
      const width = outer.clientWidth
      const options = optionsOf({
        names: names.split('\n'),
        format,
        most,
        height,
        isByTime,
        isDark,
        width,
      })
      chart.current = new uPlot(options, newest.current, outer)
    }
    draw()
    const resize = new ResizeObserver(() =>
      chart.current?.setSize({ width: outer.clientWidth, height }),
    )
    resize.observe(outer)
    const theme = new MutationObserver(draw)
    theme.observe(document.documentElement, { attributeFilter: ['data-theme'] })
    return () => {
      resize.disconnect()
      theme.disconnect()
      chart.current?.destroy()
      chart.current = undefined
    }
  }, [names, height, most, isByTime])
  useEffect(() => chart.current?.setData(data))
  return <div ref={place} className="chart" />
}

function isDarkBySystem(): boolean {
  const chosen = document.documentElement.dataset['theme']
  return chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches
}

interface Look {
  readonly names: readonly string[]
  readonly format: (value: number) => string
  readonly most: number | undefined
  readonly height: number
  readonly isByTime: boolean
  readonly isDark: boolean
  readonly width: number
}

function optionsOf(look: Look): uPlot.Options {
  const { names, format, most, height, isByTime, isDark, width } = look
  const quiet = isDark ? '#9aa6b2' : '#55606c'
  const grid = { stroke: isDark ? '#232b34' : '#e8ebef', width: 1 }
  const axis = { stroke: quiet, grid, ticks: { show: false }, font: '11px system-ui, sans-serif' }
  return {
    width,
    height,
    padding: [6, 16, 0, 0],
    cursor: { y: false, drag: { x: false, y: false } },
    legend: { show: names.length > 1 },
    scales: {
      x: { time: isByTime },
      y: { range: (_plot, _least, largest) => [0, most ?? Math.max(largest * 1.08, 1e-9)] },
    },
    axes: [
      {
        ...axis,
        size: 22,
        space: 64,
        values: (_plot, splits) => splits.map(isByTime ? formatTime : formatNumber),
      },
      { ...axis, size: 72, space: 28, values: (_plot, splits) => splits.map(format) },
    ],
    series: [
      isByTime
        ? {}
        : { label: 'Pipeline', value: (_plot, value) => (value === null ? '' : `#${value}`) },
      ...names.map((label, index) => {
        const stroke = COLORS[index % COLORS.length]?.[isDark ? 1 : 0] ?? quiet
        return {
          label,
          stroke,
          width: 1.5,
          spanGaps: true,
          points: { show: !isByTime && names.length === 1, size: 4, fill: stroke },
          value: (_plot: uPlot, value: number | null) => (value === null ? '' : format(value)),
          ...(names.length === 1 ? { fill: `${stroke}22` } : {}),
        }
      }),
    ],
  }
}

function formatTime(seconds: number): string {
  const options = { hour: '2-digit', minute: '2-digit', hour12: false } as const
  return new Date(seconds * 1000).toLocaleTimeString('en', options)
}

function formatNumber(number: number): string {
  return Number.isInteger(number) ? `#${number}` : ''
}
