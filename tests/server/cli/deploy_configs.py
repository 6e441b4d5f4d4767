"""Configurations for the tests of `weft deploy`."""

from textwrap import dedent

LEAST = """\
    format: weft-cluster/1
    name: weft
    image: registry.example.com/weft:0.1.0
"""
MORE: dict[str, str] = {
    "least": "",
    "no number is text": "namespace: '1e3'",
    "older ray": "ray_version: 2.55.1",
    "own token": "token_secret: ray.token",
    "pulling": "image_pull_policy: Always\nimage_pull_secrets: [registry, other]",
    "head that works": "head: {cpu: 500m, memory: 1.5Gi, run_work: true}",
    "fixed workers": "workers: [{name: a, replicas: 3}, {name: b, replicas: 0, max: 2}]",
    "gpus": """
        workers:
          - name: gpu
            replicas: 1
            cpu: 8
            memory: 32Gi
            gpu: 2
            gpu_resource: amd.com/gpu
            image: registry.example.com/weft-rocm@sha256:00ff
            node_selector: {kubernetes.io/arch: amd64, gpu: "true"}
            tolerations:
              - {key: gpu, operator: Exists, effect: NoSchedule}
              - {key: spot, value: "yes", effect: NoExecute, seconds: 30}
    """,
    "autoscaling": """
        autoscaling: {enabled: true, idle_timeout_s: 0}
        workers: [{name: a, replicas: 1, min: 0, max: 10}]
    """,
    "variables": """
        env:
          - {name: OPENAI_API_KEY, secret: llm, key: api-key}
          - {name: PROXY, secret: llm, key: proxy}
    """,
    "checkpoints": "checkpoints: {size: 1Ti, storage_class: fast.disk}",
    "checkpoints on one machine": "checkpoints: {size: 5G, access: ReadWriteOnce, path: /var/ck}",
    "checkpoints that are there": "checkpoints: {claim: mine}",
    "server": """
        server:
          replicas: 1
          cpu: "0.5"
          memory: 1024Mi
          database: {secret: db, key: url}
          data: {size: 1Gi, storage_class: ssd}
          service: {type: LoadBalancer, port: 8443}
          hosts: [weft.example.com, w.example.com]
          behind_https: true
          setup_remote: true
          node_selector: {disk: ssd}
          tolerations: [{operator: Exists}]
    """,
}
CONFIGS = {name: dedent(LEAST) + dedent(text).lstrip("\n") for name, text in MORE.items()}
