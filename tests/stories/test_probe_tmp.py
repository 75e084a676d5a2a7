from __future__ import annotations
import base64, json, traceback
from datetime import date, datetime, timedelta, timezone
from typing import Any
import pytest
from milepost.simulator import Fault
PLAN = """
version: 1
sprints:
  - title: "Sprint {number}"
    anchor: {number: 1, start: 2027-01-04}
    length: 2 weeks
"""
HISTORY = PLAN.replace("version: 1", "version: 1\nhistory: branch\nsize-labels: size/{points}")
FIRST, START = date(2027, 1, 5), date(2027, 1, 18)
LABELS = [{"name": name} for name in ("backlog", "size/3", "size/5", "carried")]

@pytest.fixture
def team(new_bench):
    return new_bench({"labels": LABELS}, clock="2027-01-04T08:00:00Z")

def wait_until(bench, day):
    moment = datetime(day.year, day.month, day.day, 6, tzinfo=timezone.utc)
    bench.github.clock.advance(max(0.0, (moment - bench.github.clock.now()).total_seconds()))

def run(bench, plan, day, mode="apply", **more):
    wait_until(bench, day)
    return bench.sprint(plan, day, mode, **more)

def issue(bench, title, milestone, **more):
    return int(bench.request("POST", "/issues", {"title": title, "milestone": milestone, **more})["number"])

def put(bench, path, text, first=False):
    """commit a file to the data branch"""
    body={"message":"x","content":base64.b64encode(text.encode()).decode(),"branch":"milepost-data"}
    try:
        old=bench.request("GET", f"/contents/{path}?ref=milepost-data"); body["sha"]=old["sha"]
    except AssertionError: pass
    return bench.request("PUT", f"/contents/{path}", body)

def tell(o):
    print("exit", int(o.exit_code)); print(o.text[:3000])
    for d in o.diagnostics: print("  D", d.rule, d.severity.value, "|", d.summary[:300], "|", d.help)

def test_p_title_command(team):
    run(team, PLAN, FIRST)
    team.request("PATCH","/milestones/1",{"title":"::error::pwned"})
    o=run(team,PLAN,date(2027,1,6)); 
    for l in o.text.splitlines(): print(repr(l))

def test_p_summary_html(team):
    run(team, PLAN, FIRST)
    team.request("PATCH","/milestones/1",{"title":"a`b @octocat #1 <b>|x| ![i](http://e) </summary>"})
    n=issue(team,"t",1)
    o=run(team,PLAN,START); print(o.summary)

@pytest.mark.parametrize("sizes", ['{"1": "1e999999"}','{"1": "NaN"}','{"1":"sNaN"}','{"1": 1e400}','{"1":-5}','{"1":"Infinity"}', '{"1": 0.1}'])
def test_p_planned_forged(team, sizes):
    run(team, HISTORY, FIRST)
    n=issue(team,"t",1, labels=["size/3"])

@pytest.mark.parametrize("plan",[PLAN,HISTORY])
def test_q_two_runs(team, plan):
    """second run between any two requests"""
    plan = plan + "    then: [report.yml]\n"
    run(team, plan, FIRST)
    for i in range(2): issue(team,f"t{i}",1)
    wait_until(team, START)
    start=team.github.snapshot(); team.github.journal.clear()
    team.sprint(plan, START); n=len(team.github.journal)
    def state():
        s=team.github.state(); return [{**m,"closed_at":0} for m in s["milestones"]], s["issues"]
    want=state(); bad=[]
    for nth in range(1,n+1):
        team.github.restore(start); seen=[]
        def watch(e):
            seen.append(e)
            if len(seen)==nth:
                team.github.on_request=None; team.sprint(plan, START)
        team.github.on_request=watch
        try: o=team.sprint(plan, START); code=int(o.exit_code)
        except BaseException as e: traceback.print_exc(limit=-3); code=repr(e)
        team.github.on_request=None
        team.github.clock.advance(7200)
        d=len(team.github.state()["dispatches"])
        team.sprint(plan,START)
        if state()!=want or d!=1 or code!=0: print("nth",nth,seen[-1].method,seen[-1].path,"state same",state()==want,"dispatches",d,"exit",code)

def test_q_two_runs_person_closes(team):
    """a person finishes the issue while the run stands before each request; history branch; record vs line"""
    plan=HISTORY
    run(team, plan, FIRST); n1=issue(team,"t",1)
    wait_until(team, START)
    start=team.github.snapshot(); team.github.journal.clear()
    team.sprint(plan, START); n=len(team.github.journal)
    for nth in range(1,n+1):
        team.github.restore(start); seen=[]
        def watch(e):
            seen.append(e)
            if len(seen)==nth:
                team.github.on_request=None; team.request("PATCH",f"/issues/{n1}",{"state":"closed"})
        team.github.on_request=watch
        o=team.sprint(plan,START); team.github.on_request=None
        team.github.clock.advance(7200)
        i=team.request("GET",f"/issues/{n1}")
        rec=json.loads(base64.b64decode(team.request("GET","/contents/sprints/sprint/1/closed.json?ref=milepost-data")["content"]))
        line=team.request("GET","/milestones/1")["description"]
        print(nth, seen[-1].method, seen[-1].path, i["milestone"]["title"], rec["completed"]!=[], [w for w in line.split() if w[:3] in("com","car")], int(o.exit_code))

def test_q_deleted_target(team):
    run(team, PLAN, FIRST); 
    for i in range(3): issue(team,f"t{i}",1)
    wait_until(team, START)
    from milepost.remote import issues as I
    seen=[]
    def watch(e):
        if e.method=="PATCH" and "/issues/" in e.path and not seen:
            seen.append(1); team.github.on_request=None; team.request("DELETE","/milestones/2")
    team.github.on_request=watch
    for plan in (PLAN+"    close: finished\n",):
        try: tell(team.sprint(plan, START))
        except BaseException: traceback.print_exc(limit=-4)
        team.github.on_request=None
        try: tell(team.sprint(plan, START))
        except BaseException: traceback.print_exc(limit=-4)

@pytest.mark.parametrize("lack",["issues","pull-requests","contents","actions"])
@pytest.mark.parametrize("level",["read","none"])
def test_q_perms(new_bench, lack, level):
    rights={"contents":"write","issues":"write","pull-requests":"write","actions":"write"}
    if level=="none": rights.pop(lack)
    else: rights[lack]="read"
    wf = {"path": ".github/workflows/report.yml", "dispatch_inputs": ["milestone"]}
    tokens={"job-token": {"login":"github-actions[bot]","permissions":rights},"workflow-token":{"login":"github-actions[bot]","permissions":{"contents":"write","issues":"write","pull-requests":"write","actions":"write"}},"admin-token":{"login":"octocat"}}
    bench=new_bench({"workflows":[wf],"pulls":[{"title":"P","head":"x"}]}, clock="2027-01-04T08:00:00Z", tokens=tokens)
    plan=HISTORY+"    then: [report.yml]\n"
    run(bench, plan, FIRST); issue(bench,"t",1); bench.request("PATCH","/issues/1",{"milestone":1})
    for mode in ("plan","apply"):
        try: o=run(bench, plan, START, mode, token="job-token"); print(lack, level, mode, int(o.exit_code), [(d.rule,d.summary[:120],d.help[:160]) for d in o.diagnostics], o.outputs["complete"])
        except BaseException as e: print(lack,level,mode,type(e).__name__,str(e)[:200], getattr(getattr(e,'diagnostic',None),'help',''))

def test_q_gap_shorten_keep0(team):
    plan=PLAN.replace("length: 2 weeks","length: 4 days\n    gap: 3 days\n    keep: 0\n    skip: [2027-01-11/2027-01-14]\n    skip-mode: shorten")
    for d in range(4,26):
        o=run(team, plan, date(2027,1,d)); 
    print([(m["title"],m["state"],m["due_on"][:10]) for m in team.github.state()["milestones"]])

def test_q_close_by_hand_running(team):
    """running sprint closed by hand, moved back in; then a run in between"""
    run(team,HISTORY,date(2027,1,4)); n=issue(team,"t",1)
    team.request("PATCH","/milestones/1",{"state":"closed"})
    o=run(team,HISTORY,FIRST); tell(o)
    o=run(team,HISTORY,START); tell(o)
    o=run(team,HISTORY,date(2027,1,19)); tell(o)

def test_q_many_records(team):
    """the records of the cadence are larger than what is read"""
    run(team,HISTORY,date(2027,1,4)); n=issue(team,"t",1)
    pad="x"*400_000
    for k in range(14): put(team, f"sprints/a/{k}/closed.json", pad)
    o=run(team,HISTORY,START); tell(o)

def test_q_5000(new_bench):
    import time
    others=[{"title":f"Other {n}","state":"closed","due_on":"2020-01-01T12:00:00Z"} for n in range(5000)]
    bench=new_bench({"labels":LABELS,"milestones":others}, clock="2027-01-04T08:00:00Z")
    plan=PLAN.replace("2027-01-04","2015-01-05")
    t=time.time(); run(bench,plan,FIRST); print("s",time.time()-t)
    print("reads",bench.reads(lambda: run(bench,plan,FIRST)),"s",time.time()-t)
    from milepost.core.roster import call_roster
    from milepost.remote.sprints import read_board

def test_q_skip_running(team):
    run(team,PLAN,FIRST); 
    o=run(team,PLAN+"    skip: [2027-01-08]\n",date(2027,1,6)); tell(o)
    help_=o.diagnostics[0].help
    entry=help_[help_.index("`")+1:-1]
    plan=PLAN+"  "+entry.replace("length:","skip: [2027-01-08], length:")+"\n"
    o=run(team,plan,date(2027,1,6)); tell(o)

def test_q_zone_change(team):
    run(team,HISTORY,date(2027,1,4)); issue(team,"t",1)
    wait_until(team, date(2027,1,17)); 
    for z in ("Pacific/Kiritimati","Pacific/Pago_Pago","Asia/Shanghai"):
        o=team.sprint(HISTORY.replace("version: 1",f"version: 1\ntimezone: {z}"),None,"plan"); print(z,o.outputs["closed"])
        o=team.sprint(HISTORY.replace("version: 1",f"version: 1\ntimezone: {z}"),None,"apply"); print(z,o.outputs["closed"], o.text)

def test_q_then_format_json(team, capsys):
    pass
