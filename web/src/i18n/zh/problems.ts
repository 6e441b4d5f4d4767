import type en from "../en/problems";
import type { Messages } from "../messages";

/** 流程问题与修复办法中，由编辑器自己措辞的部分。 */
const problems: Messages<typeof en> = {
  "problem.document.bad_value": "无法使用的值已恢复为默认值：{{path}}。",
  "problem.document.malformed_node": "无法读取的节点已隐藏：{{node}}。",
  "problem.document.malformed_edge": "无法读取的连线已隐藏。",
  "problem.document.malformed_note": "无法读取的便签已隐藏。",
  "problem.document.duplicate_edge": "重复的连线只显示一条。",
  "problem.document.dangling_edge": "有一条连线已隐藏，因为它两端的节点都不在此流程中。",
  "problem.document.dangling_edge_source":
    "有一条接入{{target}}的连线已隐藏，因为它的起点“{{missing}}”不在此流程中。",
  "problem.document.dangling_edge_target":
    "有一条从{{source}}引出的连线已隐藏，因为它的终点“{{missing}}”不在此流程中。",
  "problem.document.port_taken": "两人同时连到了这个输入，其中一条连线已隐藏。",
  "problem.document.cycle": "同时绘制的连线形成了循环，其中一条已隐藏。",
  "problem.document.orphan_parent": "此节点所在的框已不存在，节点显示在外面。",
  "problem.check.type_mismatch": "{{source}}给出 {{gives}}，而“{{port}}”需要 {{takes}}。",
  "problem.check.missing_input": "输入“{{port}}”没有连接。",
  "problem.check.missing_input.any": "请连接任意一个合适的输出。",
  "problem.check.unreachable": "此节点不会运行，因为它前面的{{source}}无法运行。",
  "problem.check.unreachable.hint": "请先解决{{source}}的问题。",
  "problem.check.cycle": "连线形成了循环，经过{{nodes}}。",
  "problem.check.cycle_self": "此节点连到了自己。",
  "problem.check.unknown_port_input": "此节点没有输入“{{port}}”。",
  "problem.check.unknown_port_output": "此节点没有输出“{{port}}”。",
  "problem.check.duplicate_edge": "从{{source}}引出的同一条连线画了 {{times}} 次。",
  "problem.check.dangling_edge": "有一条连线的两端都没有节点。",
  "problem.check.dangling_edge_source": "有一条连线来自“{{missing}}”，而它不在此流程中。",
  "problem.check.dangling_edge_target": "有一条连线通向“{{missing}}”，而它不在此流程中。",
  "problem.check.needs_end": "此节点要等{{source}}结束，但它不会结束。",
  "problem.check.two_streams": "此节点逐条处理，而记录来自步调不一的{{origins}}。",
  "problem.nearest": "是否想用“{{name}}”？",
  quoted: "“{{name}}”",
  listed: "、",
  "fix.more": "{{first}}等",
  "fix.set_setting": "将 {{path}} 设为 {{value}}",
  "fix.unset_setting": "恢复 {{path}} 的默认值",
  "fix.set_field": "修改节点",
  "fix.add_edge": "连接 {{port}}",
  "fix.remove_edge": "移除连线",
  "fix.remove_node": "移除节点",
  "fix.replace_node": "替换为 {{type}}",
  "fix.add_node": "添加 {{type}}",
  "fix.of.connect": "连接{{source}}",
  "fix.of.reconnect": "改为把{{source}}连到{{target}}",
  "fix.of.remove_edge": "断开{{source}}与{{target}}",
  "fix.of.route_errors": "让{{source}}把错误送到这里",
  "fix.of.insert_node": "在中间插入“{{name}}”",
  "fix.of.merge_edges": "用“{{name}}”汇总",
};

export default problems;
