/** Runs that other runs call. */
const called = {
  show_one: "Show the run that it called",
  show_other: "Show the {{count}} runs that it called",
  hide_one: "Hide the run that it called",
  hide_other: "Hide the {{count}} runs that it called",
  open: "Open run {{number}} of {{flow}}",
  place: "by {{node}}",
  placeIn: "by {{node}} in {{place}}",
  more: "Show more",
  none: "The flows that it called are not shared with you.",
  node: "A run of its own:",
  number: "run {{number}}",
  by: "Called by",
  caller: "{{flow}}, run {{number}}",
  hidden: "Called by a run that is not shared with you",
  stop: "Stop the outermost run",
  stopTip: "This run is a part of the one that called it: they are stopped together.",
  pauseTip: "Pauses the outermost run, of which this one is a part",
  "origin.again": "Try again of",
  "origin.fork": "Fork of",
  "origin.from": "From",
  "origin.run": "run {{number}}",
  "origin.hidden": "an earlier run",
} as const;

export default called;
