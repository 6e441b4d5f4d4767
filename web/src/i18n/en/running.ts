/** Starting and leading runs; part of the editor's texts. */
const running = {
  "command.run.changed": "Run only what changed",
  "command.run.debug": "Debug: stop at the first step",
  "command.run.without": "Run without breakpoints",
  "command.run.pause": "Pause the run",
  "command.run.resume": "Continue the run",
  "command.run.over": "Step over",
  "command.run.into": "Step into",
  "command.run.out": "Step out",
  "run.pause": "Pause",
  "run.resume": "Continue",
  "run.onlyNode": "Run only “{{name}}”",
  "run.env": "Run on",
  "run.env.flow": "By flow",
  "run.env.local": "Threads",
  "run.env.processes": "Processes",
  "run.env.ray": "Ray",
  "run.parallelism": "At once, at most",
  "run.automatic": "automatic",
  "run.untold": "The run could not be told: {{reason}}",
} as const;

export default running;
