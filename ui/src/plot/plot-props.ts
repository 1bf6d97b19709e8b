export interface PlotProps {
  readonly label: string
  /** The newest value, or a summary. */
  readonly summary: string
  /** Epoch seconds, or pipeline numbers; ascending. */
  readonly times: readonly number[]
  readonly lines: readonly {
    readonly name: string
    readonly values: readonly (number | null)[]
  }[]
  readonly format: (value: number) => string
  /** The value at full height; default: the largest one. */
  readonly most?: number
  readonly height?: number
  /** Whether `times` are times; otherwise numbers. */
  readonly isByTime?: boolean
}
