"""The words of a report in Chinese."""

from __future__ import annotations

from milepost.core.attention import Concern
from milepost.core.progress import Reason, Verdict
from milepost.views.words import Facts, Look, Words


def _left(days: int) -> str:
    if days < 0:
        return f"已逾期 {-days:,} 天"
    return "今天到期" if days == 0 else f"还剩 {days:,} 天"


def _size(look: Look) -> str:
    kind, limit = look.names
    if kind == "longer":
        return f"工期 {look.number:,} 天，超过 {limit} 天"
    return f"含 {look.number:,} 个议题，{'超过' if kind == 'more' else '不足'} {limit} 个"


def _no_forecast(facts: Facts) -> str:
    return f"还有 {facts.remaining:,} 个议题未完成；预测功能已关闭。"


def _likely(facts: Facts) -> str:
    return f"{'全部' if facts.chance == '100%' else facts.chance + ' 的'}模拟能在截止日期前完成。"


def _unlikely(facts: Facts) -> str:
    share = "没有任何一次模拟" if facts.chance == "0%" else f"只有 {facts.chance} 的模拟"
    return f"{share}能在截止日期前完成；半数模拟要到 {facts.p50} 才完成。"


def _too_few(facts: Facts) -> str:
    done = f"只完成了 {facts.completed:,} 个议题" if facts.completed else "没有完成任何议题"
    return f"近几周{done}，至少需要 5 个才能预测。"


def _schedule(look: Look) -> str:
    if look.names[0] == "disabled":
        return f"已被停用，上次定时运行在 {look.number:,} 天前"
    return f"没有按时运行，上次定时运行在 {look.number:,} 天前"


CHINESE = Words(
    title=lambda day: f"项目进度（{day}）",
    verdicts={
        Verdict.ON_TRACK: "进展正常",
        Verdict.AT_RISK: "有风险",
        Verdict.LATE: "延期",
        Verdict.DONE: "已完成",
        Verdict.NO_DATA: "数据不足",
    },
    tally=lambda number, verdict: f"{verdict} {number:,} 个",
    reasons={
        Reason.EMPTY: lambda facts: "其中还没有议题。",
        Reason.ALL_COMPLETED: lambda facts: f"全部 {facts.scope:,} 个议题均已完成。",
        Reason.OVERDUE: lambda facts: f"截止日期为 {facts.due}，仍有 {facts.remaining:,} 个议题未完成。",
        Reason.NO_FORECAST: _no_forecast,
        Reason.TOO_YOUNG: lambda facts: "开工不到两周，至少需要两个整周的数据才能预测。",
        Reason.TOO_FEW: _too_few,
        Reason.NO_DUE_DATE: lambda facts: f"没有截止日期；85% 的模拟在 {facts.p85} 前完成。",
        Reason.LIKELY: _likely,
        Reason.UNSURE: lambda facts: (
            f"只有 {facts.chance} 的模拟能在截止日期前完成；要有 85% 的把握，需到 {facts.p85}。"
        ),
        Reason.UNLIKELY: _unlikely,
    },
    head=("里程碑", "结论", "截止日期", "完成情况", "吞吐量", "预测"),
    in_time="按期",
    none="–",
    no_due="无截止日期",
    left=_left,
    percent=lambda number: f"{number}%",
    per_week=lambda number: f"{number} 个/周",
    growth=lambda change, day: (f"范围 {change}", f"自 {day} 起"),
    beyond="两年以后",
    points=lambda done, scope: f"{done}/{scope} 点",
    open_pulls=lambda number: f"{number:,} 个未合并的拉取请求",
    look_at="需要关注",
    nothing_to_look_at="没有需要特别关注的事项。",
    concerns={
        Concern.OVERDUE: "已逾期",
        Concern.STALE: "已开始但长期没有动静",
        Concern.UNASSIGNED: "临近截止仍无人负责",
        Concern.CARRIED: "多次顺延",
        Concern.BLOCKED: "被未完成的议题阻塞",
        Concern.SHARED: "多人同做一个议题",
        Concern.HOMELESS: "未归入里程碑",
        Concern.FINISHED: "已做完但未关闭",
        Concern.SCHEDULE: "定时任务未运行",
        Concern.NAME: "命名不合规范",
        Concern.SIZE: "规模不合适",
    },
    looks={
        Concern.OVERDUE: lambda look: f"已逾期 {look.number:,} 天",
        Concern.STALE: lambda look: (
            f"已 {look.number:,} 天没有动静" + (f"（{'、'.join(look.names)}）" if look.names else "")
        ),
        Concern.UNASSIGNED: lambda look: f"无人负责，所属里程碑{_left(look.number)}",
        Concern.CARRIED: lambda look: f"已顺延 {look.number:,} 次",
        Concern.BLOCKED: lambda look: f"在等 {look.number:,} 个未完成的议题",
        Concern.SHARED: lambda look: f"有 {look.number:,} 人同时在做：{'、'.join(look.names)}",
        Concern.HOMELESS: lambda look: "",
        Concern.FINISHED: lambda look: f"{look.number:,} 个议题均已完成，可以关闭",
        Concern.SCHEDULE: _schedule,
        Concern.NAME: lambda look: "标题不符合团队约定的格式",
        Concern.SIZE: _size,
    },
    more=lambda number: f"另有 {number:,} 项",
    roadmap="路线图",
    planned="计划",
    forecast="85% 的模拟",
    burn_up="燃起图",
    burn_up_note="折线为范围，柱形为其中已完成的部分，均按每周末统计。",
    issues="议题数",
    counted_since=lambda day: f"自 {day} 起逐日记录；更早的数据由议题事件推算。",
    rebuilt=lambda day: f"数据由议题事件推算，自 {day} 起准确。",
    no_pulls="未能查看全部未合并的拉取请求：最多查看 100 个，且需要 `pull-requests: read` 权限。",
    no_schedules="未检查定时任务：需要 `actions: read` 权限。",
    forecast_note="每项预测由 10,000 次模拟得出：每次模拟重演过去若干整周，吞吐量与范围增长一并计入。",
    join="，".join,
    report_title="项目进度报告",
    report_note="本议题由 Milepost 自动更新；如不再需要，请在计划文件中设置 `report: false`。",
    reminder="提醒",
    reminder_due=lambda days: "今天到期" if days == 0 else _left(days) if days < 0 else f"还有 {days:,} 天到期",
    nobody="无人负责",
    no_milestones="目前没有打开的里程碑。",
)
