import type { ScalabilityModel } from '../../src/bench/model/model.js'
import { count } from '../../src/cli/figures.js'

const LOSSES = {
  contention: 'what is lost is spent waiting for one another',
  coherency: 'what is lost is spent on what each pair of them costs',
  none: 'nothing is known to be lost',
} as const

/** What a fitted model says, in a line. */
export function modelText({ lambda, sigma, kappa, knee, mostProcesses, bottleneck }: ScalabilityModel): string {
  const peak = knee === null ? '' : `, and most are answered by ${Math.max(1, Math.round(knee))}`
  return [
    `one API process answers ${count(Math.round(lambda))} per second without its cache${peak}`,
    `contention ${sigma.toFixed(3)}, coherency ${kappa.toFixed(4)}: ${LOSSES[bottleneck]}`,
    `nothing is said of more than ${mostProcesses} processes`,
  ].join('; ')
}
